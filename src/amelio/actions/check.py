"""`amelio check` and the quality gate: rules → verdicts, a page, and an alert when they change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amelio.actions.alerts import tell_change
from amelio.atomic import write_text
from amelio.checked_yaml import plain, read_yaml
from amelio.dvcio.figures.metrics import ProjectMetrics
from amelio.dvcio.project import dvc_root
from amelio.errors import InputError, StageFailedError
from amelio.quality import report
from amelio.quality.judge import judge
from amelio.quality.rules import (
    DEFAULT_METRICS,
    DEFAULT_RULES,
    EXAMPLE,
    PARAMS,
    SETTINGS,
    OnAlert,
    Quality,
    Rule,
    load_quality,
)
from amelio.quality.verdicts import Status, Verdict, worst
from amelio.redaction import one_line

PASSED = '{"verdict": "passed"}\n'  # nothing else: what depends on it must not run again


@dataclass(frozen=True)
class QualityCheck:
    """What `check_quality` came to.

    told: what could not be fetched, and what became of the alert, one line each
    """

    verdicts: tuple[Verdict, ...]
    on_alert: OnAlert
    rules: Mapping[str, Rule]
    told: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The most severe verdict."""
        return worst(self.verdicts)

    @property
    def stops(self) -> bool:
        """Whether a gate is shut."""
        return self.status is Status.ALERT and self.on_alert is OnAlert.FAIL

    @property
    def headline(self) -> str:
        """One sentence: how it came out, and what follows from it."""
        return report.headline(self.verdicts, self.on_alert)

    def lines(self) -> list[str]:
        """One line a rule."""
        rows = [(each.status, report.cells(each)) for each in self.verdicts]
        return [f"{report.SIGNS[status]} {row[0]}: {row[4]} ({row[3]})" for status, row in rows]

    def markdown(self) -> str:
        """The report as a page; the same bytes for the same verdicts."""
        return report.markdown(self.verdicts, self.on_alert)

    def records(self) -> dict[str, Any]:
        """The report as plain data."""
        return report.records(self.verdicts, self.on_alert)

    def require(self) -> None:
        """Raise StageFailedError when the gate is shut."""
        if self.stops:
            bad = [each for each in self.verdicts if each.status is Status.ALERT]
            told = ", ".join(one_line(f"{each.rule} ({each.message})") for each in bad)
            raise StageFailedError(
                f"the quality gate is shut: {told}",
                hint="mend that, or change `quality` in params.yaml: `on_alert: warn` lets it pass",
            )


def check_quality(
    folder: Path, files: Sequence[str] = (PARAMS, SETTINGS), *, may_fetch: bool = True
) -> QualityCheck:
    """Judge the project in `folder` by the rules of `files`; tell a change of state.

    may_fetch: metrics that are not here, and that dvc.lock records, are fetched from the remote

    Raises InputError for wrong rules, or when there are none. Alerts never raise.
    """
    metrics = ProjectMetrics(folder, reads_cache=may_fetch, may_fetch=may_fetch)
    judged = _judged(folder, files, metrics)
    told = tell_change(folder, judged.verdicts, _params(folder))
    return replace(judged, told=(*filter(None, [metrics.problem]), *told))


def judge_quality(folder: Path, files: Sequence[str] = (PARAMS, SETTINGS)) -> QualityCheck:
    """As `check_quality`, and nobody is told, and nothing is fetched. Raises the same."""
    return _judged(folder, files, ProjectMetrics(folder, reads_cache=True))


def _judged(folder: Path, files: Sequence[str], metrics: ProjectMetrics) -> QualityCheck:
    quality = load_quality([folder / file for file in files])
    rules = _rules(quality, metrics, folder)
    verdicts = judge(rules, metrics, _params(folder))
    return QualityCheck(verdicts, quality.on_alert or OnAlert.FAIL, rules)


def has_rules(folder: Path) -> bool:
    """Whether there is anything to judge by. Raises InputError for wrong rules."""
    quality = load_quality([folder / file for file in (PARAMS, SETTINGS)])
    return bool(quality.rules) or (folder / DEFAULT_METRICS).exists()


def run_gate(folder: Path, verdict: Path, page: Path) -> QualityCheck:
    """The gate of a pipeline: judge by params.yaml, write `page`, and `verdict` if it is passed.

    verdict: always the same bytes; page: also when the gate is shut, or nothing can be judged
    """
    try:
        check = check_quality(folder, [PARAMS], may_fetch=False)
    except InputError as error:
        write_text(folder / page, report.not_judged("Quality", error))
        raise
    write_text(folder / page, check.markdown())
    if not check.stops:
        write_text(folder / verdict, PASSED)
    return check


def _rules(quality: Quality, metrics: ProjectMetrics, folder: Path) -> Mapping[str, Rule]:
    if quality.rules:
        return quality.rules
    if metrics.text(DEFAULT_METRICS, None) is not None:
        return DEFAULT_RULES
    known = metrics.declared() if dvc_root(folder) else []
    example = f"{known[0] if known else 'metrics.json'}:accuracy"
    raise InputError("no quality rules here", hint=EXAMPLE.format(metric=example))


def _params(folder: Path) -> Mapping[str, Any]:
    path = folder / PARAMS
    params: Mapping[str, Any] = plain(read_yaml(path)) if path.exists() else {}
    return params
