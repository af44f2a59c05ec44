"""The pipeline's figures together: what `amelio perf` shows, prints and saves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from amelio.dvcio.cache.storage import CacheFacts
from amelio.insight.cache_use import CacheUse
from amelio.insight.reproducibility import Score
from amelio.insight.sizes import Sizes
from amelio.insight.times import Times


@dataclass(frozen=True)
class Perf:
    """The four parts; None where one was not asked for.

    cache: the local cache as it is, which belongs to `cache_use` and `sizes`
    """

    times: Times | None = None
    cache_use: CacheUse | None = None
    cache: CacheFacts | None = None
    sizes: Sizes | None = None
    score: Score | None = None


def records(perf: Perf) -> dict[str, Any]:
    """Everything as plain data, for `--json`."""
    found: dict[str, Any] = {}
    if perf.times:
        found["times"] = {
            "stages": [
                {**asdict(stage), "median_s": stage.median_s} for stage in perf.times.stages
            ],
            "runs": [asdict(run) for run in perf.times.runs],
            "critical_path": asdict(perf.times.critical),
        }
    if perf.cache_use:
        found["cache"] = {
            "n_runs": perf.cache_use.n_runs,
            "hit_rate": perf.cache_use.hit_rate,
            "saved_s": perf.cache_use.saved_s,
            "stages": [
                {**asdict(stage), "n_hits": stage.n_hits, "n_misses": stage.n_misses}
                for stage in perf.cache_use.stages
            ],
            "local": asdict(perf.cache) if perf.cache else None,
        }
    if perf.sizes:
        found["sizes"] = asdict(perf.sizes)
    if perf.score:
        found["score"] = {
            "value": perf.score.value,
            "checks": [
                {**asdict(check), "points": None if check.undecided else check.points}
                for check in perf.score.checks
            ],
        }
    return found


def metrics(perf: Perf) -> dict[str, Any]:
    """The main figures as a DVC metrics file: numbers only, in SI units by their names' ends."""
    found: dict[str, Any] = {}
    if perf.times:
        stages = {s.name: round(s.last_s, 3) for s in perf.times.stages if s.last_s is not None}
        last = perf.times.runs[0] if perf.times.runs else None
        found["times"] = {
            "serial_s": round(perf.times.critical.serial_s, 3),
            "critical_path_s": round(perf.times.critical.total_s, 3),
            **({"last_run_s": round(last.wall_s, 3)} if last else {}),
            "slower_stages": len(perf.times.slower),
            "stages_s": stages,
        }
    if perf.cache_use:
        found["cache"] = _numbers(hit_rate=perf.cache_use.hit_rate, saved_s=perf.cache_use.saved_s)
    if perf.sizes:
        found["sizes"] = {
            "outputs_bytes": sum(s.size_bytes for s in perf.sizes.stages if s.is_stage),
            "inputs_bytes": sum(s.size_bytes for s in perf.sizes.stages if not s.is_stage),
            "cache_bytes": perf.sizes.cache.size_bytes,
            "unused_bytes": perf.sizes.garbage.size_bytes,
        }
    if perf.score:
        decided = [check for check in perf.score.checks if not check.undecided]
        found["reproducibility"] = {
            "score": perf.score.value,
            "checks": {check.name: round(check.points, 2) for check in decided},
        }
    return found


def _numbers(**values: float | None) -> Mapping[str, float]:
    return {name: round(value, 4) for name, value in values.items() if value is not None}
