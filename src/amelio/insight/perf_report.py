"""The pipeline's figures as sections for people."""

import time
from collections.abc import Sequence

from amelio.dvcio.cache.storage import CacheFacts
from amelio.insight.cache_use import CacheUse, StageCache
from amelio.insight.perf import Perf
from amelio.insight.reproducibility import Check, Score
from amelio.insight.size_report import size_section
from amelio.insight.tables import Section, Table, shortened, sparkline
from amelio.insight.times import CriticalPath, RunTimes, StageTimes, Times
from amelio.insight.wording import duration, size
from amelio.model import Outcome

BRIEF_ROWS = 6
MAX_RUNS = 10
MAX_FINDINGS = 5  # of one check in the brief report
NO_RECORDS = "no run of `amelio repro` is recorded yet"


def sections(perf: Perf, *, is_brief: bool) -> list[Section]:
    """One for each part that was measured; brief: everything on one screen."""
    n_rows = BRIEF_ROWS if is_brief else None
    found = []
    if perf.times:
        found.append(_time_section(perf.times, n_rows))
    if perf.cache_use and perf.cache:
        found.append(_cache_section(perf.cache_use, perf.cache, n_rows))
    if perf.sizes:
        found.append(size_section(perf.sizes, n_rows))
    if perf.score:
        found.append(_score_section(perf.score, is_brief=is_brief))
    return found


def _time_section(times: Times, n_rows: int | None) -> Section:
    if not times.runs and not any(stage.last_s for stage in times.stages):
        return Section("Run time", NO_RECORDS)
    total_s = sum(stage.last_s or 0.0 for stage in times.stages)
    ordered = sorted(times.stages, key=lambda stage: -(stage.last_s or 0.0))
    stages = Table(
        ("Stage", "Last", "Usual", "Trend", "Share", "Cores", "Memory"),
        tuple(_stage_row(stage, total_s) for stage in ordered),
        frozenset({1, 2, 4, 5, 6}),
    )
    stages, more = shortened(stages, n_rows, "amelio perf times")
    tables = [stages]
    if n_rows is None:
        runs = tuple(map(_run_row, times.runs[:MAX_RUNS]))
        header = ("Run (UTC)", "Took", "Busy", "Commands", "CPU", "Jobs", "Saved", "Outcomes")
        tables.append(Table(header, runs, frozenset({1, 2, 3, 4, 5, 6})))
    notes = [*more, _critical_note(times.critical), *map(_slower_note, times.slower)]
    return Section("Run time", _time_headline(times), tuple(tables), tuple(filter(None, notes)))


def _time_headline(times: Times) -> str:
    if not times.runs:
        return NO_RECORDS
    last = times.runs[0]
    text = f"the last run took {duration(last.wall_s)} with {_jobs(last.jobs)}"
    if last.work_s:
        rest_s = max(0.0, last.wall_s - last.busy_s)
        text += (
            f": commands {duration(last.work_s)} ({duration(last.cpu_s)} of CPU), "
            f"hashing, storing and waiting {duration(rest_s)}"
        )
    return text + (f"; it saved {duration(last.saved_s)}" if last.saved_s else "")


def _stage_row(stage: StageTimes, total_s: float) -> tuple[str, ...]:
    if stage.last_s is None:
        return (stage.name, "never ran", "", "", "", "", "")
    share = f"{100 * stage.last_s / total_s:.0f} %" if total_s else ""
    return (
        stage.name + (" ⚠" if stage.slower else ""),
        duration(stage.last_s),
        "" if len(stage.trend_s) < 2 else duration(stage.median_s or 0.0),
        sparkline(stage.trend_s),
        share,
        "" if stage.cores is None else f"{stage.cores:.1f}",
        "" if stage.peak_bytes is None else size(stage.peak_bytes),
    )


def _run_row(run: RunTimes) -> tuple[str, ...]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in run.outcomes.items())
    return (
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(run.started)),
        duration(run.wall_s),
        duration(run.busy_s),
        duration(run.work_s),
        duration(run.cpu_s),
        str(run.jobs),
        duration(run.saved_s) if run.saved_s else "",
        outcomes,
    )


def _critical_note(critical: CriticalPath) -> str:
    if not critical.stages:
        return ""
    chain = " → ".join(f"{name} {duration(seconds)}" for name, seconds in critical.stages)
    gain = critical.serial_s / critical.total_s if critical.total_s else 1.0
    text = f"critical path {duration(critical.total_s)}: {chain}; all stages one by one "
    text += f"{duration(critical.serial_s)}, so jobs can make it {gain:.1f} times as fast at most"
    if critical.unknown:
        text += f" ({len(critical.unknown)} stages were never measured)"
    return text


def _slower_note(stage: StageTimes) -> str:
    slower = stage.slower
    if slower is None:
        return ""
    at = f" at {slower.revision[:7]}" if slower.revision else ""
    text = (
        f"⚠ {stage.name} took {duration(slower.now_s)}{at}, usually {duration(slower.usual_s)} "
        f"± {duration(slower.spread_s)} ({slower.n_earlier} runs)"
    )
    return text + (f"; it ran because of {'; '.join(slower.why)}" if slower.why else "")


def _jobs(n_jobs: int) -> str:
    return f"{n_jobs} job{'s' * (n_jobs != 1)}"


def _cache_section(use: CacheUse, cache: CacheFacts, n_rows: int | None) -> Section:
    notes = _link_notes(cache)
    if not use.n_runs:
        return Section("Cache", NO_RECORDS, notes=notes)
    ordered = sorted(use.stages, key=lambda stage: -stage.saved_s)
    rows = tuple(map(_cache_row, ordered))
    header = ("Stage", "Up to date", "Run cache", "Ran", "Saved", "It last ran because of")
    table, more = shortened(
        Table(header, rows, frozenset({1, 2, 3, 4})), n_rows, "amelio perf cache"
    )
    rate = "" if use.hit_rate is None else f": {100 * use.hit_rate:.0f} % hits"
    runs = f"{use.n_runs} recorded run{'s' * (use.n_runs != 1)}"
    headline = f"{runs}{rate}, {duration(use.saved_s)} saved"
    return Section("Cache", headline, (table,), (*more, *notes))


def _cache_row(stage: StageCache) -> tuple[str, ...]:
    return (
        stage.name,
        str(stage.count(Outcome.UP_TO_DATE) or ""),
        str(stage.count(Outcome.RESTORED, Outcome.PULLED) or ""),
        str(stage.n_misses or ""),
        duration(stage.saved_s) if stage.saved_s else "",
        "; ".join(_without_conditions(stage.last_miss)),
    )


def _without_conditions(reasons: Sequence[str]) -> list[str]:
    """A condition that was true is no reason by itself, and long."""
    return [text for text in reasons if not text.startswith("condition ")] or list(reasons)


def _link_notes(cache: CacheFacts) -> tuple[str, ...]:
    if not cache.links:
        return ()
    used = ", ".join(f"{use.n_files} by {use.kind}" for use in cache.links)
    twice = sum(use.size_bytes for use in cache.links if use.kind == "copy")
    text = f"files of the workspace in the cache: {used}"
    better = [kind for kind in cache.working if kind in ("reflink", "hardlink", "symlink")]
    if not twice:
        return (f"{text}; none takes its place twice",)
    text += f"; copies take {size(twice)} twice"
    if better:
        text += f": `amelio config cache.type {','.join(better)}`, then `amelio checkout --relink`"
    return (text,)


def _score_section(score: Score, *, is_brief: bool) -> Section:
    rows = tuple(map(_check_row, score.checks))
    table = Table(("Check", "Points", "Evidence"), rows, frozenset({1}))
    notes: list[str] = []
    for check in score.checks:
        shown = check.findings[: MAX_FINDINGS if is_brief else None]
        notes += [f"✗ {check.name}: {each.text}\n  mend it: {each.fix}" for each in shown]
        if len(shown) < len(check.findings):
            n_more = len(check.findings) - len(shown)
            notes.append(f"✗ {check.name}: … and {n_more} more: `amelio perf score`")
    n_bad = sum(bool(check.findings) for check in score.checks)
    n_open = sum(bool(check.undecided) for check in score.checks)
    headline = f"{score.value} of 100" + (f", {n_bad} of {len(rows)} checks fail" if n_bad else "")
    headline += f", {n_open} not decided" if n_open else ""
    return Section("Reproducibility", headline, (table,), tuple(notes))


def _check_row(check: Check) -> tuple[str, ...]:
    if check.undecided:
        return (f"? {check.name}", f"– of {check.weight}", f"not decided: {check.undecided}")
    sign = "✗" if check.findings else "✓"
    points = f"{check.points:.1f}".removesuffix(".0")
    return (f"{sign} {check.name}", f"{points} of {check.weight}", check.evidence)
