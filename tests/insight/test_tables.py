"""Tables and bars."""

from amelio.insight.tables import Table, shortened, sparkline


def test_bars_go_from_nothing_to_the_largest() -> None:
    assert sparkline([0.0, 5.0, 10.0]) == "▁▅█"
    assert sparkline([3.0]) == ""
    assert len(sparkline([1.0] * 50)) == 10


def test_a_long_table_is_cut_and_says_where_the_rest_is() -> None:
    table = Table(("a",), tuple((str(n),) for n in range(5)))
    cut, notes = shortened(table, 2, "amelio perf times")
    assert len(cut.rows) == 2
    assert notes == ("… and 3 more: `amelio perf times`",)
    assert shortened(table, None, "") == (table, ())
