"""How long stages and runs take, where the time goes, and what became slower."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from amelio.insight.critical_path import critical_path
from amelio.insight.wording import reason
from amelio.model import Outcome, RunResult, StageResult

LEAST_EARLIER = 4  # runs of a stage before a further one can be called slow
SPREAD = 3.0  # how many standard deviations, taken from the MAD, are out of the ordinary
MAD_TO_SIGMA = 1.4826  # for a normal distribution
LEAST_RISE = 0.1  # of the median: what machines differ by from day to day
LEAST_RISE_S = 0.2  # starting a process differs by that
MAX_TREND = 20  # runs


@dataclass(frozen=True)
class Slower:
    """A stage's last run was out of the ordinary.

    usual_s: median of the earlier runs; spread_s: their median absolute deviation
    why: the reasons for which that run took place
    """

    now_s: float
    usual_s: float
    spread_s: float
    n_earlier: int
    run: str
    revision: str | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class StageTimes:
    """What runs of one stage took, from the records.

    last_s: None where no record of a run through to the end is left
    trend_s: oldest first
    cores: processor time by elapsed time, of the last run
    """

    stage: str
    name: str
    last_s: float | None
    trend_s: tuple[float, ...] = ()
    cores: float | None = None
    peak_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    slower: Slower | None = None

    @property
    def median_s(self) -> float | None:
        """The usual time."""
        return median(self.trend_s) if self.trend_s else None


@dataclass(frozen=True)
class RunTimes:
    """One run as a whole, in seconds.

    busy_s: at least one stage's command ran; the rest is hashing, storing and waiting
    work_s: all commands together; cpu_s: their processor time
    saved_s: what the run cache and unchanged stages saved
    """

    run: str
    started: float
    wall_s: float
    busy_s: float
    work_s: float
    cpu_s: float
    saved_s: float
    jobs: int
    revision: str | None
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class CriticalPath:
    """The chain of stages that no number of jobs makes shorter, with their last times.

    serial_s: all stages one after the other
    unknown: stages without a record, counted as 0
    """

    stages: tuple[tuple[str, float], ...]
    total_s: float
    serial_s: float
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Times:
    """All of it; runs with the newest first."""

    stages: tuple[StageTimes, ...]
    runs: tuple[RunTimes, ...]
    critical: CriticalPath

    @property
    def slower(self) -> tuple[StageTimes, ...]:
        """Stages of which the last run was out of the ordinary."""
        return tuple(stage for stage in self.stages if stage.slower)


def measure_times(
    runs: Sequence[RunResult],
    stages: Mapping[str, str],
    needs: Mapping[str, Sequence[str]],
    expected_s: Mapping[str, float],
) -> Times:
    """From records, newest first.

    stages: id → name of every stage that runs a command, in serial order
    expected_s: what stages took when no record of it is left
    """
    found = tuple(_stage_times(key, name, runs, expected_s) for key, name in stages.items())
    last_s = {each.stage: each.last_s for each in found}
    return Times(found, tuple(map(_run_times, runs)), _critical_path(stages, needs, last_s))


def _stage_times(
    key: str, name: str, runs: Sequence[RunResult], expected_s: Mapping[str, float]
) -> StageTimes:
    ran = [
        (run, stage)
        for run in runs
        for stage in run.with_outcome(Outcome.RAN)
        if stage.stage == key and stage.usage is not None
    ][: MAX_TREND + 1]
    if not ran:
        return StageTimes(key, name, expected_s.get(key))
    run, last = ran[0]
    usage = last.usage
    assert usage is not None
    trend = tuple(stage.usage.wall_s for _, stage in reversed(ran) if stage.usage)
    return StageTimes(
        stage=key,
        name=name,
        last_s=usage.wall_s,
        trend_s=trend,
        cores=usage.cpu_s / usage.wall_s if usage.wall_s > 0 else None,
        peak_bytes=usage.peak_bytes,
        read_bytes=usage.read_bytes,
        written_bytes=usage.written_bytes,
        slower=_slower(trend, run, last),
    )


def _slower(trend: Sequence[float], run: RunResult, last: StageResult) -> Slower | None:
    *earlier, now_s = trend
    if len(earlier) < LEAST_EARLIER:
        return None
    usual_s = median(earlier)
    spread_s = median(abs(value - usual_s) for value in earlier)
    rise = max(SPREAD * MAD_TO_SIGMA * spread_s, LEAST_RISE * usual_s, LEAST_RISE_S)
    if now_s <= usual_s + rise:
        return None
    why = tuple(map(reason, last.reasons))
    return Slower(now_s, usual_s, spread_s, len(earlier), run.run, run.revision, why)


def _run_times(run: RunResult) -> RunTimes:
    used = [stage for stage in run.stages if stage.usage is not None]
    spans = [
        (stage.started, stage.started + stage.usage.wall_s)
        for stage in used
        if stage.started is not None and stage.usage
    ]
    outcomes: dict[str, int] = {}
    for stage in run.stages:
        outcomes[stage.outcome.value] = outcomes.get(stage.outcome.value, 0) + 1
    return RunTimes(
        run=run.run,
        started=run.started,
        wall_s=run.ended - run.started,
        busy_s=_covered(spans),
        work_s=sum(stage.usage.wall_s for stage in used if stage.usage),
        cpu_s=sum(stage.usage.cpu_s for stage in used if stage.usage),
        saved_s=sum(stage.saved_s for stage in run.stages),
        jobs=run.jobs,
        revision=run.revision,
        outcomes=outcomes,
    )


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Length of the union of the spans."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _critical_path(
    stages: Mapping[str, str],
    needs: Mapping[str, Sequence[str]],
    last_s: Mapping[str, float | None],
) -> CriticalPath:
    known = {key: seconds for key, seconds in last_s.items() if seconds is not None}
    chain = tuple((stages[key], known[key]) for key in critical_path(needs, known))
    return CriticalPath(
        stages=chain,
        total_s=sum(seconds for _, seconds in chain),
        serial_s=sum(known.values()),
        unknown=tuple(name for key, name in stages.items() if key not in known),
    )
