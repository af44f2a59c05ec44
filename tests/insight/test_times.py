"""Times from records: medians, trends, what became slower, the critical path."""

from statistics import median

import pytest

from amelio.insight.critical_path import critical_path
from amelio.insight.times import measure_times
from amelio.model import Outcome, Reason, ReasonKind, RunResult, StageResult, Usage


def _ran(stage: str, seconds: float, started: float = 0.0, cpu_s: float = 1.0) -> StageResult:
    usage = Usage(seconds, cpu_s, 1_000, 10, 20)
    why = (Reason(ReasonKind.PARAMETER, "params.yaml:epochs", "1", "2"),)
    return StageResult(stage, stage, Outcome.RAN, why, usage=usage, started=started)


def _run(number: int, *stages: StageResult) -> RunResult:
    return RunResult(f"run{number}", float(number), number + 30.0, 2, stages, "a" * 40)


def _runs(*seconds: float) -> list[RunResult]:
    """Newest first, as records are read; given oldest first."""
    runs = [_run(number, _ran("train", s)) for number, s in enumerate(seconds)]
    return list(reversed(runs))


def _stage(*seconds: float):  # type: ignore[no-untyped-def]
    return measure_times(_runs(*seconds), {"train": "train"}, {"train": ()}, {}).stages[0]


def test_last_median_and_trend_are_in_the_order_of_time() -> None:
    stage = _stage(5.0, 1.0, 3.0)
    assert (stage.last_s, stage.median_s, stage.trend_s) == (3.0, 3.0, (5.0, 1.0, 3.0))
    assert stage.cores == pytest.approx(1 / 3)


def test_a_run_far_above_the_median_is_slower_and_says_why() -> None:
    slower = _stage(10.0, 10.2, 9.9, 10.1, 20.0).slower
    assert slower is not None
    assert slower.usual_s == median([10.0, 10.2, 9.9, 10.1])
    assert slower.spread_s == pytest.approx(0.1)
    assert slower.why == ("parameter params.yaml:epochs: 1 → 2",)


@pytest.mark.parametrize(
    "seconds",
    [
        (10.0, 10.2, 20.0),  # too few earlier runs
        (10.0, 15.0, 7.0, 12.0, 20.0),  # within the spread
        (10.0, 10.0, 10.0, 10.0, 10.9),  # no spread, but less than a tenth
        (0.1, 0.1, 0.1, 0.1, 0.25),  # a process's start differs by that
        (10.0, 10.2, 9.9, 10.1, 5.0),  # faster
    ],
)
def test_what_is_within_the_ordinary_is_not_slower(seconds: tuple[float, ...]) -> None:
    assert _stage(*seconds).slower is None


def test_failed_runs_and_the_cache_have_no_times() -> None:
    failed = StageResult("train", "train", Outcome.FAILED, usage=Usage(99, 1, 1, 1, 1))
    restored = StageResult("train", "train", Outcome.RESTORED, saved_s=3.0)
    runs = [_run(2, failed), _run(1, restored), *_runs(3.0)]
    times = measure_times(runs, {"train": "train"}, {"train": ()}, {})
    assert times.stages[0].trend_s == (3.0,)
    assert times.runs[1].saved_s == 3.0


def test_a_stage_without_a_record_has_its_remembered_time() -> None:
    times = measure_times([], {"a": "a", "b": "b"}, {"a": (), "b": ("a",)}, {"a": 2.0})
    assert [stage.last_s for stage in times.stages] == [2.0, None]
    assert times.critical.unknown == ("b",)


def test_overlapping_commands_count_once_as_busy() -> None:
    run = _run(1, _ran("a", 10.0, 100.0), _ran("b", 10.0, 105.0), _ran("c", 1.0, 120.0))
    times = measure_times([run], {"a": "a"}, {"a": ()}, {})
    assert times.runs[0].busy_s == 16.0
    assert times.runs[0].work_s == 21.0


def test_the_critical_path_is_the_longest_chain_through_the_graph() -> None:
    run = _run(1, _ran("a", 1.0), _ran("b", 5.0), _ran("c", 2.0), _ran("d", 1.0), _ran("e", 4.0))
    needs = {"data.dvc": (), "a": ("data.dvc",), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
    names = {key: key.upper() for key in needs if key != "data.dvc"}
    critical = measure_times([run], names, needs, {}).critical
    assert critical.stages == (("A", 1.0), ("B", 5.0), ("D", 1.0))
    assert (critical.total_s, critical.serial_s) == (7.0, 13.0)


def test_the_path_looks_through_stages_without_a_time() -> None:
    needs = {"a": [], "b": [], "c": ["a"], "cached": ["c", "b", "gone"], "d": ["cached"]}
    assert critical_path(needs, {"a": 5, "b": 2, "c": 1, "d": 9}) == ("a", "c", "d")


def test_without_stages_there_is_no_path() -> None:
    critical = measure_times([], {}, {}, {}).critical
    assert (critical.stages, critical.total_s) == ((), 0.0)
