"""What the run cache and unchanged stages saved, and why stages had to run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amelio.insight.wording import reason
from amelio.model import Outcome, RunResult, StageResult

_HITS = (Outcome.UP_TO_DATE, Outcome.RESTORED, Outcome.PULLED)


@dataclass(frozen=True)
class StageCache:
    """One stage over the recorded runs.

    misses: kind of reason → number of runs that it was a reason of
    last_miss: every reason of its last run, in words
    """

    stage: str
    name: str
    outcomes: Mapping[Outcome, int]
    saved_s: float
    misses: Mapping[str, int] = field(default_factory=dict)
    last_miss: tuple[str, ...] = ()

    def count(self, *outcomes: Outcome) -> int:
        """How often it ended so."""
        return sum(self.outcomes.get(outcome, 0) for outcome in outcomes)

    @property
    def n_hits(self) -> int:
        """Runs in which its outputs were there already."""
        return self.count(*_HITS)

    @property
    def n_misses(self) -> int:
        """Runs in which its commands ran, to the end or not."""
        return self.count(Outcome.RAN, Outcome.FAILED, Outcome.INTERRUPTED)


@dataclass(frozen=True)
class CacheUse:
    """All stages over `n_runs` recorded runs."""

    stages: tuple[StageCache, ...]
    n_runs: int

    @property
    def saved_s(self) -> float:
        """Seconds that stages would have taken had they run."""
        return sum(stage.saved_s for stage in self.stages)

    @property
    def hit_rate(self) -> float | None:
        """Share of hits among hits and misses; None of nothing."""
        hits = sum(stage.n_hits for stage in self.stages)
        asked = hits + sum(stage.n_misses for stage in self.stages)
        return hits / asked if asked else None


def measure_cache(runs: Sequence[RunResult], stages: Mapping[str, str]) -> CacheUse:
    """From records, newest first; `stages`: id → name of those that run a command."""
    found = []
    for key, name in stages.items():
        results = [each for run in runs for each in run.stages if each.stage == key]
        missed = [each for each in results if each.outcome in (Outcome.RAN, Outcome.FAILED)]
        found.append(
            StageCache(
                stage=key,
                name=name,
                outcomes=dict(Counter(each.outcome for each in results)),
                saved_s=sum(each.saved_s for each in results),
                misses=_kinds(missed),
                last_miss=tuple(map(reason, missed[0].reasons)) if missed else (),
            )
        )
    return CacheUse(tuple(found), len(runs))


def _kinds(missed: Sequence[StageResult]) -> dict[str, int]:
    counted = Counter(kind for each in missed for kind in {r.kind.value for r in each.reasons})
    return dict(counted.most_common())
