"""Everything that a report tells, gathered from Git, DVC, run records and files."""

import json
from collections.abc import Iterable, Mapping
from contextlib import chdir
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from amelio.actions.check import has_rules, judge_quality
from amelio.actions.perf import Part, PerfOptions, measure
from amelio.actions.report_environment import environment
from amelio.actions.report_experiments import experiments_of
from amelio.actions.report_lots import predicted_lots
from amelio.actions.report_pictures import charts_of
from amelio.actions.report_stages import last_run, stage_facts
from amelio.dvcio.figures.fetch import fetch_figures
from amelio.dvcio.figures.figures import Figures, read_figures
from amelio.dvcio.figures.plots import collect_plots
from amelio.dvcio.git.history import Baseline, baseline, branch_name, is_shallow, position
from amelio.dvcio.project import dvc_root
from amelio.dvcio.workspace import open_workspace
from amelio.errors import AmelioError, InputError
from amelio.insight.reproducibility import Score
from amelio.quality.report import cells, headline
from amelio.quality.rules import Rule
from amelio.quality.verdicts import Status, worst
from amelio.reports.facts import (
    Better,
    Chart,
    Compared,
    Experiments,
    Gate,
    LotPredictions,
    Mark,
    Origin,
    Page,
    Report,
    RuleResult,
)

MARKS = {Status.OK: Mark.GOOD, Status.WARNING: Mark.WARNING, Status.ALERT: Mark.BAD}
PAGES = {  # metrics files that get a section, by their names
    "data_quality": "Data quality",
    "drift": "Drift",
    "model_comparison": "Comparison",
    "performance": "Performance",
}
MAX_PAGE_BYTES = 2_000_000


def gather(root: Path, revision: str | None, *, now: datetime, is_short: bool = False) -> Report:
    """All facts about the project at `root`, compared with `revision`.

    is_short: without plots, pictures and sections that a comment has no room for

    Raises InputError when there is no project, or its dvc.yaml is not readable.
    """
    if dvc_root(root) is None:
        raise InputError("you are not inside of a DVC repository", hint="make one with `dvc init`")
    root = root.resolve()
    with chdir(root):  # DVC takes paths from the working directory
        return _Gathering(root).report(revision, now, is_short)


class _Gathering:
    """The work for one report; what goes wrong on the way is noted, and the rest goes on."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems: list[str] = []
        self._notices: list[str] = []
        self._failures: list[str] = []

    def report(self, revision: str | None, now: datetime, is_short: bool) -> Report:
        base = self._baseline(revision)
        self._fetch(base)
        figures = read_figures(self._root)
        before = self._before(base)
        self._tell(figures)
        gate, better = self._gate(figures)
        stages = stage_facts(self._root)
        return Report(
            origin=self._origin(base, now),
            gate=gate,
            metrics=Compared(figures.metrics, before.metrics, _metrics_problems(figures)),
            params=Compared(figures.params, before.params),
            better=better,
            stages=stages,
            run=last_run(self._root, stages),
            charts=() if is_short else self._charts(base),
            pages=() if is_short else self._pages(figures),
            lots=() if is_short else self._lots(),
            experiments=self._experiments(better),
            score=None if is_short else self._score(),
            environment={} if is_short else environment(),
            notices=tuple(self._notices),
            problems=tuple(self._problems),
            failures=tuple(self._failures),
        )

    def _fetch(self, base: Baseline | None) -> None:
        problem = fetch_figures(self._root, [base.commit] if base else [])
        if problem:
            self._failures.append(problem)

    def _baseline(self, revision: str | None) -> Baseline | None:
        try:
            found = baseline(self._root, revision)
        except InputError as error:
            hint = f" ({error.hint})" if error.hint else ""
            self._problems.append(f"{error.message}: nothing is compared{hint}")
            return None
        if found is None:
            self._notices.append("There is no commit yet, so nothing is compared.")
        elif revision is None and is_shallow(self._root):
            self._notices.append(
                "This clone is shallow, so the commit to compare with may be missing: "
                "`git fetch --unshallow` brings all (in CI: fetch-depth: 0)."
            )
        return found

    def _before(self, base: Baseline | None) -> Figures:
        if base is None:
            return Figures()
        try:
            found = read_figures(self._root, base.commit)
        except AmelioError as error:
            self._notices.append(f"{base.commit[:7]} cannot be compared: {error.message}")
            return Figures()
        self._notices += [
            f"{path} as of {base.commit[:7]}: {problem}" for path, problem in found.problems.items()
        ]
        return found

    def _tell(self, figures: Figures) -> None:
        self._problems += [f"{path}: {problem}" for path, problem in figures.problems.items()]
        if figures.missing:
            names = ", ".join(figures.missing[:5]) + (", …" if len(figures.missing) > 5 else "")
            n_missing = len(figures.missing)
            verb = "file is" if n_missing == 1 else "files are"
            self._notices.append(f"{n_missing} declared {verb} not there yet: {names}")

    def _gate(self, figures: Figures) -> tuple[Gate | None, Mapping[str, Better]]:
        try:
            has_metrics = figures.metrics or _metrics_problems(figures)
            if not has_metrics or not has_rules(self._root):
                return None, {}
            done = judge_quality(self._root)
        except AmelioError as error:
            self._problems.append(str(error))
            return None, {}
        rules = [RuleResult(*_rule_cells(each)) for each in done.verdicts]
        gate = Gate(
            headline(done.verdicts, done.on_alert), MARKS[worst(done.verdicts)], tuple(rules)
        )
        return gate, _directions(done.rules.values())

    def _origin(self, base: Baseline | None, now: datetime) -> Origin:
        here = position(self._root)
        return Origin(
            project=self._root.name,
            made=f"{now:%Y-%m-%d %H:%M}",
            branch=branch_name(self._root),
            commit=here.commit if here else None,
            subject=here.subject if here else "",
            uncommitted=len(here.changed) if here else 0,
            baseline=base.commit if base else None,
            baseline_subject=base.subject if base else "",
            baseline_why=base.why if base else "",
        )

    def _charts(self, base: Baseline | None) -> tuple[Chart, ...]:
        try:
            found = collect_plots(self._root, base.commit if base else None)
        except AmelioError as error:
            self._problems.append(f"plots: {error.message}")
            return ()
        for name, problem in (found.problems or {}).items():
            if problem.startswith("no file"):
                self._notices.append(f"The plot {name} is not drawn: {problem}.")
            else:
                self._problems.append(f"plot {name}: {problem}")
        return charts_of(found.plots, self._notices.append)

    def _pages(self, figures: Figures) -> tuple[Page, ...]:
        """The sections in the order of `PAGES`; the files as they are, lists included."""
        pages = []
        for stem, title in PAGES.items():
            for path in figures.metrics:
                if PurePosixPath(path).stem != stem:
                    continue
                content = _json(self._root / path)
                pages.append(Page(title, path, content or figures.metrics[path]))
        return tuple(pages)

    def _experiments(self, better: Mapping[str, Better]) -> Experiments:
        try:
            return experiments_of(self._root, better)
        except InputError:  # without Git there are none
            return Experiments()
        except AmelioError as error:
            self._notices.append(f"Experiments are not shown: {error.message}")
            return Experiments()

    def _score(self) -> Score | None:
        options = PerfOptions(parts=frozenset({Part.SCORE}))
        try:
            return measure(open_workspace(is_quiet=True), options).score
        except AmelioError as error:
            self._notices.append(f"The reproducibility is not judged: {error.message}")
            return None

    def _lots(self) -> tuple[LotPredictions, ...]:
        return predicted_lots(self._root, self._notices.append)


def _rule_cells(verdict: Any) -> tuple[str, Mark, str, str, str, str]:
    rule, _, value, limit, message, source = cells(verdict)
    return rule, MARKS[verdict.status], value, limit, message, source


def _directions(rules: Iterable[Rule]) -> dict[str, Better]:
    """What a rule holds from below should be high, and the other way round."""
    better = {}
    for rule in rules:
        if rule.metric is None:
            continue
        falls = (rule.alert_below, rule.warning_below, rule.max_drop)
        rises = (rule.alert_above, rule.warning_above, rule.max_rise)
        is_low, is_high = (any(limit is not None for limit in limits) for limits in (falls, rises))
        if is_low != is_high:
            better[rule.metric] = Better.HIGHER if is_low else Better.LOWER
    return better


def _metrics_problems(figures: Figures) -> dict[str, str]:
    """The problems of files that are no parameters."""
    return {
        path: problem
        for path, problem in figures.problems.items()
        if path not in figures.params_files
    }


def _json(path: Path) -> Any:
    try:
        if path.suffix != ".json" or path.stat().st_size > MAX_PAGE_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
