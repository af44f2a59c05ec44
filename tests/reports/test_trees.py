"""Nested figures as values and tables."""

from amelio.reports.trees import Block, blocks


def test_sections_of_the_same_keys_are_one_table() -> None:
    content = {
        "torch": {"latency_ms": {"p50": 1.23456, "p95": 2}, "size": 3},
        "onnx": {"latency_ms": {"p50": 0.5, "p95": 1}},
    }
    small, table = sorted(blocks(content), key=lambda block: len(block.rows))
    assert small == Block(values=(("torch · size", "3"),))
    assert table.title == "latency_ms"
    assert table.header == ("", "p50", "p95")
    assert table.rows == (("torch", "1.235", "2"), ("onnx", "0.5", "1"))


def test_findings_in_a_list_are_rows() -> None:
    found = blocks({"findings": [{"file": "a", "line": 1}, {"file": "b", "line": 2}], "n": 2})
    assert found[-1].title == "findings"
    assert found[-1].rows == (("1", "a", "1"), ("2", "b", "2"))


def test_odd_content() -> None:
    assert blocks({}) == ()
    assert blocks(3) == (Block(values=(("", "3"),)),)
    deep: dict[str, object] = {"end": 1}
    for _ in range(50):
        deep = {"in": deep}
    assert len(blocks(deep)) == 1
    assert "canary" not in str(blocks({"api_key": "canary", "a": {"token": "canary"}}))
    many = blocks({str(n): {"v": n} for n in range(1000)})
    assert (len(many[0].rows), many[0].cut) == (300, 700)
