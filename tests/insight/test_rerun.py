"""Whether a stage made the same again."""

import math
from typing import Any

import pytest

from amelio.insight.rerun import Made, Rerun, judge_reruns


def _told(old: Any, new: Any, tolerance: float = 0.01) -> list[str]:
    made = Made("m.json", "1", "2", old, new)
    return [f.text for f in judge_reruns([Rerun("fit", 1.0, (made,))], tolerance).findings]


def test_equal_hashes_are_the_same() -> None:
    check = judge_reruns([Rerun("fit", 1.0, (Made("model", "1", "1"),))], 0.0)
    assert check.findings == ()
    assert check.points == check.weight


def test_other_hashes_of_anything_but_metrics_differ() -> None:
    check = judge_reruns([Rerun("fit", 1.0, (Made("model", "1", "2"),))], 1.0)
    assert "fit made something else: model differs" in check.findings[0].text
    assert check.points == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1.0}, {"a": 1.005}),
        ({"a": [1.0, {"b": 2}]}, {"a": [1.0, {"b": 2.01}]}),
        ({"a": math.nan}, {"a": math.nan}),
        ({"a": "x"}, {"a": "x"}),
    ],
)
def test_numbers_within_the_tolerance_are_the_same(old: Any, new: Any) -> None:
    assert _told(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": 1.0}, {"a": 1.1}, "a 1.0 → 1.1"),
        ({"a": 1.0}, {"a": math.nan}, "a 1.0 → nan"),
        ({"a": 1.0}, {"a": "1"}, "a 1.0 → 1"),
        ({"a": [1]}, {"a": [1, 2]}, "a [1] → [1, 2]"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b 1 → None"),
        ({str(n): n for n in range(1, 9)}, {}, "and 5 more"),
    ],
)
def test_other_values_are_told_with_their_key(old: Any, new: Any, told: str) -> None:
    assert told in _told(old, new)[0]


def test_a_stage_that_did_not_run_through_is_a_finding() -> None:
    check = judge_reruns([Rerun("fit", 1.0, problem="no secret.csv")], 0.0)
    assert "fit did not run through in a clean worktree: no secret.csv" in check.findings[0].text


def test_nothing_to_run_is_not_decided() -> None:
    assert judge_reruns([], 0.0).undecided
