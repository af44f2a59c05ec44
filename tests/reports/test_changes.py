"""Values then and now: what changed, in which direction, and whether that is good."""

import pytest

from amelio.reports.changes import Change, FileChanges, Kind, file_changes
from amelio.reports.directions import better_of
from amelio.reports.facts import Better, Compared, Mark

HIGHER, LOWER = Better.HIGHER, Better.LOWER


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("overall.average_accuracy", HIGHER),
        ("val.f1_score", HIGHER),
        ("AUC", HIGHER),
        ("valLoss", LOWER),
        ("attributes.hair.calibration_error", LOWER),
        ("torch.model.latency_ms.p95", LOWER),
        ("model.size_mb", LOWER),
        ("throughput.64", HIGHER),
        ("train_loss.accuracy", HIGHER),
        ("n_images", None),
        ("params.learning_rate", None),
        ("machine.load_average", None),
        ("overall.p_value", None),
        ("something", None),
        ("", None),
    ],
)
def test_name_tells_the_good_direction(name: str, expected: Better | None) -> None:
    assert better_of(name) is expected


def rows(before: object, now: object, **options: Better) -> dict[str, Change]:
    better = {f"m.json:{name}": each for name, each in options.items()}
    (file,) = file_changes(Compared({"m.json": now}, {"m.json": before}), better)
    return {row.name: row for row in file.rows}


def test_kinds_and_marks() -> None:
    found = rows(
        {"accuracy": 0.8, "loss": 1, "same": 2, "gone": 3, "figure": 5},
        {"accuracy": 0.9, "loss": 2, "same": 2, "fresh": {"a": 1}, "figure": 4},
        figure=Better.LOWER,
    )
    assert found["accuracy"].mark is Mark.GOOD
    assert (found["accuracy"].delta, found["accuracy"].is_up) == ("+0.1", True)
    assert (found["loss"].mark, found["loss"].delta) == (Mark.BAD, "+1")
    assert found["figure"].mark is Mark.GOOD
    assert found["same"].kind is Kind.SAME
    assert found["gone"].kind is Kind.GONE
    assert (found["fresh.a"].kind, found["fresh.a"].now) == (Kind.NEW, "1")


def test_no_number_has_no_direction() -> None:
    nan, inf = float("nan"), float("inf")
    found = rows(
        {"accuracy": nan, "a": nan, "b": 1.0, "c": 0.9, "d": True, "e": None, "f": [1]},
        {"accuracy": 0.9, "a": nan, "b": inf, "c": "high", "d": 1, "e": {}, "f": [1, 2]},
    )
    assert found["accuracy"].mark is None
    assert (found["accuracy"].before, found["accuracy"].now) == ("NaN", "0.9")
    assert found["a"].kind is Kind.SAME
    assert (found["b"].now, found["b"].is_up) == ("∞", None)
    assert (found["c"].kind, found["c"].now, found["c"].mark) == (Kind.CHANGED, "high", None)
    assert found["d"].kind is Kind.CHANGED
    assert (found["f"].before, found["f"].now) == ("[1]", "[1, 2]")


def test_values_that_look_equal_are_told_apart() -> None:
    found = rows({"a": 0.12345678, "b": 1}, {"a": 0.12345679, "b": "1"})
    assert (found["a"].before, found["a"].now) == ("0.12345678", "0.12345679")
    assert (found["b"].before, found["b"].now) == ("1", '"1"')


def test_secrets_are_hidden() -> None:
    found = rows({"db": {"password": "canary-1"}}, {"db": {"password": "canary-2"}})
    assert "canary" not in str(found)


def test_problem_of_a_file_stands_in_place_of_its_values() -> None:
    (file,) = file_changes(Compared({}, {"m.json": {"a": 1}}, {"m.json": "no JSON"}), {})
    assert file == FileChanges("m.json", problem="no JSON")
