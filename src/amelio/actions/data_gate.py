"""The gate before training: what `validate_data` found → verdicts, a page, and an alert."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from amelio.actions.alerts import tell_change
from amelio.actions.check import PASSED
from amelio.atomic import write_text
from amelio.checked_yaml import plain, read_yaml
from amelio.dvcio.figures.metrics import ProjectMetrics
from amelio.errors import InputError, StageFailedError
from amelio.expressions import NoValueError
from amelio.quality import report
from amelio.quality.judge import judge
from amelio.quality.metrics_files import as_number, find, parse_metrics
from amelio.quality.rules import PARAMS, Rule
from amelio.quality.verdicts import Status, Verdict, worst
from amelio.redaction import one_line
from amelio.vision.params import load_params
from amelio.vision.validation.findings import MEANINGS, Check, amount, percent
from amelio.vision.validation_params import Severity, ValidationParams

MAX_SHOWN = 10  # findings of one check on the page
_MAX_TOLD = 2  # in the terminal
_COUNTS = ("n", "of")


@dataclass(frozen=True)
class DataCheck:
    """What `check_data` came to.

    findings: rows of the table, by check
    told: what became of the alert, one line each; page: where all of it is told
    """

    verdicts: tuple[Verdict, ...]
    findings: Mapping[str, Sequence[Mapping[str, str]]]
    told: tuple[str, ...]
    page: Path

    @property
    def stops(self) -> bool:
        """Whether the gate is shut."""
        return worst(self.verdicts) is Status.ALERT

    def lines(self) -> list[str]:
        """Each check that is not ok with its first findings, or that all are."""
        lines = []
        for each in self.verdicts:
            if each.status is not Status.OK:
                lines.append(f"{report.SIGNS[each.status]} {each.rule}: {each.message}")
                lines += self._first(self.findings.get(each.rule, ()))
        return lines or [f"{report.SIGNS[Status.OK]} {_headline(self.verdicts)}"]

    def _first(self, rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
        yield from (f"  {_item(row)}" for row in islice(rows, _MAX_TOLD))
        if len(rows) > _MAX_TOLD:
            yield f"  … and {len(rows) - _MAX_TOLD} more, see {self.page}"

    def require(self) -> None:
        """Raise StageFailedError when the gate is shut."""
        if self.stops:
            bad = [each.rule for each in self.verdicts if each.status is Status.ALERT]
            raise StageFailedError(
                f"the data gate is shut: {', '.join(bad)}",
                hint=f"{self.page} says why; mend the data, or change `validation` in {PARAMS}",
            )


def run_data_gate(
    folder: Path, metrics: Path, findings: Path, verdict: Path, page: Path
) -> DataCheck:
    """Judge `metrics` by `validation` of params.yaml; write `page`, and `verdict` if it is passed.

    findings: the table with every finding, of which the page shows some
    verdict: always the same bytes; page: also when the gate is shut, or nothing can be judged

    Raises InputError for wrong parameters. Alerts never raise.
    """
    try:
        validation = load_params(folder / PARAMS).validation
    except InputError as error:
        write_text(folder / page, report.not_judged("Data quality", error))
        raise
    rules = {str(check): _rule(check, validation, metrics) for check in _asked(validation)}
    judged = judge(rules, ProjectMetrics(folder), {})
    verdicts = tuple(_in_words(each, folder / metrics, validation) for each in judged)
    params = plain(read_yaml(folder / PARAMS))
    found = _findings(folder / findings)
    told = tell_change(folder, verdicts, params, gate="-data")
    check = DataCheck(verdicts, found, told, page)
    text = "\n".join(_page(verdicts, found))
    write_text(folder / page, f"{text}\n")
    if not check.stops:
        write_text(folder / verdict, PASSED)
    return check


def _asked(validation: ValidationParams) -> list[Check]:
    return [check for check in Check if check.params(validation).severity is not Severity.OFF]


def _rule(check: Check, validation: ValidationParams, metrics: Path) -> Rule:
    params = check.params(validation)
    source = f"{metrics.as_posix()}:checks.{check}.share"
    if params.severity is Severity.ALERT:
        return Rule(metric=source, alert_above=float(params.max_share))
    return Rule(metric=source, warning_above=float(params.max_share))


def _in_words(verdict: Verdict, metrics: Path, validation: ValidationParams) -> Verdict:
    """`verdict` with counts for a message; what could not be judged keeps its own."""
    check = Check(verdict.rule)
    try:
        found = parse_metrics(metrics.read_text(encoding="utf-8"), str(metrics))
        n, of = (int(as_number(find(found, f"checks.{check}.{key}", ""), key)) for key in _COUNTS)
    except (NoValueError, OSError):
        return verdict
    params = check.params(validation)
    limit = f"{params.severity} above {percent(params.max_share)}"
    return replace(verdict, limit=limit, message=amount(check, n, of))


def _findings(path: Path) -> Mapping[str, Sequence[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["check"], []).append(row)
    return found


def _page(
    verdicts: Sequence[Verdict], findings: Mapping[str, Sequence[Mapping[str, str]]]
) -> Iterator[str]:
    yield from ("# Data quality", "", _headline(verdicts), "")
    yield "| | Check | Found | Limit |"
    yield "|---|---|---|---|"
    for each in verdicts:
        cells = (f"{MEANINGS[Check(each.rule)]} (`{each.rule}`)", each.message, each.limit)
        yield f"| {report.SIGNS[each.status]} | {' | '.join(cells)} |"
    for each in verdicts:
        rows = findings.get(each.rule, ())
        if each.value and rows:
            yield from ("", f"## {MEANINGS[Check(each.rule)]}", "")
            yield from (f"- {report.escaped(_item(row))}" for row in islice(rows, MAX_SHOWN))
            if len(rows) > MAX_SHOWN:
                yield f"- … and {len(rows) - MAX_SHOWN} more"
    yield from ("", "With pictures: data_quality.html; every finding: data_findings.csv.")


def _item(row: Mapping[str, str]) -> str:
    line = f"line {row['line']}: " if row["line"] else ""
    return one_line(f"{line}{row['finding']}", 400)


def _headline(verdicts: Sequence[Verdict]) -> str:
    status = worst(verdicts)
    bad = ", ".join(each.rule for each in verdicts if each.status is status)
    if status is Status.OK:
        return "The data is fine."
    return f"{status.value.capitalize()}: {bad}."
