"""`amelio check` and the quality gate: rules → verdicts, a page, and an alert when they change."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from amelio.atomic import write_text
from amelio.checked_yaml import plain, read_yaml
from amelio.dvcio.history import commits_since, files_since, position
from amelio.dvcio.metrics import ProjectMetrics
from amelio.errors import AmelioError, InputError, StageFailedError
from amelio.quality import report
from amelio.quality.alert_settings import URLS, AlertSettings, load_alert_settings, user_file
from amelio.quality.delivery import Delivery, Kind, Message, deliver
from amelio.quality.judge import judge
from amelio.quality.message import Surroundings, compose
from amelio.quality.rules import (
    DEFAULT_METRICS,
    DEFAULT_RULES,
    EXAMPLE,
    OnAlert,
    Quality,
    load_quality,
)
from amelio.quality.state import (
    GoodRun,
    State,
    after_telling,
    flat_params,
    is_change,
    load_state,
    save_state,
)
from amelio.quality.verdicts import Status, Verdict, worst
from amelio.redaction import one_line

PARAMS = "params.yaml"
SETTINGS = "amelio.yaml"
PASSED = '{"verdict": "passed"}\n'  # nothing else: what depends on it must not run again
STATES = Path(".dvc/tmp/amelio/quality")
EXPERIMENT = "DVC_EXP_NAME"  # DVC sets it for the stages of an experiment


@dataclass(frozen=True)
class QualityCheck:
    """What `check_quality` came to.

    deliveries: of the alert, where one was due; note: why none was sent although one was due
    """

    verdicts: tuple[Verdict, ...]
    on_alert: OnAlert
    deliveries: tuple[Delivery, ...] = ()
    note: str = ""

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

    def told(self) -> list[str]:
        """What became of the alert, one line each; nothing where none was due."""
        sent = [
            f"alert not sent to {each.service}: {each.problem}"
            if each.problem
            else f"alert sent to {each.service}"
            for each in self.deliveries
        ]
        return [*sent, self.note] if self.note else sent

    def markdown(self) -> str:
        """The report as a page; the same bytes for the same verdicts."""
        return report.markdown(self.verdicts, self.on_alert)

    def records(self) -> dict[str, Any]:
        """The report as plain data."""
        return report.records(self.verdicts, self.on_alert)

    def require(self) -> None:
        """Raise StageFailedError when the gate is shut."""
        if self.stops:
            bad = [each.rule for each in self.verdicts if each.status is Status.ALERT]
            raise StageFailedError(
                f"the quality gate is shut: {', '.join(map(one_line, bad))}",
                hint="`amelio metrics diff` shows what changed",
            )


def check_quality(folder: Path, files: Sequence[str] = (PARAMS, SETTINGS)) -> QualityCheck:
    """Judge the project in `folder` by the rules of `files`; tell a change of state.

    Raises InputError for wrong rules, or when there are none. Alerts never raise.
    """
    quality = load_quality([folder / file for file in files])
    params = _params(folder)
    metrics = ProjectMetrics(folder)
    verdicts = judge(_rules(quality, metrics, folder), metrics, params)
    on_alert = quality.on_alert or OnAlert.FAIL
    try:
        deliveries, note = _tell(folder, verdicts, params)
    except (AmelioError, OSError) as error:  # whatever is wrong with alerts, the verdict stands
        deliveries, note = (), f"alerts do not work: {error}"
    return QualityCheck(verdicts, on_alert, deliveries, note)


def run_gate(folder: Path, verdict: Path, page: Path) -> QualityCheck:
    """The gate of a pipeline: judge by params.yaml, write `page`, and `verdict` if it is passed.

    verdict: always the same bytes; page: also when the gate is shut
    """
    check = check_quality(folder, [PARAMS])
    write_text(folder / page, check.markdown())
    if not check.stops:
        write_text(folder / verdict, PASSED)
    return check


def send_test_alert(folder: Path) -> tuple[Delivery, ...]:
    """Send a test message to every URL. Raises InputError when there are none."""
    settings = load_alert_settings()
    if not settings.urls:
        raise InputError(
            "no URLs for alerts", hint=f"set {URLS}, or `alerts: {{urls: […]}}` in {user_file()}"
        )
    text = f"A test of amelio's alerts for {folder.resolve().name}: this place gets them."
    return deliver(Message(Kind.INFO, "amelio: test alert", text), settings)


def project_root(folder: Path) -> Path:
    """The nearest folder from `folder` upwards with a DVC repository, else `folder`; relative."""
    found = _dvc_root(folder)
    return folder if found is None else Path(os.path.relpath(found, folder.resolve()))


def _rules(quality: Quality, metrics: ProjectMetrics, folder: Path) -> Mapping[str, Any]:
    if quality.rules:
        return quality.rules
    if (folder / DEFAULT_METRICS).exists():
        return DEFAULT_RULES
    known = metrics.declared() if _dvc_root(folder) else []
    example = f"{known[0] if known else 'metrics.json'}:accuracy"
    raise InputError("no quality rules here", hint=EXAMPLE.format(metric=example))


def _params(folder: Path) -> Mapping[str, Any]:
    path = folder / PARAMS
    params: Mapping[str, Any] = plain(read_yaml(path)) if path.exists() else {}
    return params


def _tell(
    folder: Path, verdicts: Sequence[Verdict], params: Mapping[str, Any]
) -> tuple[tuple[Delivery, ...], str]:
    """Keep the state, and send a message when it changed."""
    root = _dvc_root(folder)
    if root is None or os.environ.get(EXPERIMENT):
        return (), ""  # an experiment is tried, not relied on: nobody is called for it
    inside = quote(folder.resolve().relative_to(root).as_posix(), safe="")
    path = root / STATES / f"state-{inside}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = load_alert_settings()
    try:
        with FileLock(path.with_suffix(".lock"), timeout=0):
            return _tell_change(folder, path, verdicts, flat_params(params), settings)
    except Timeout:
        return (), "another check is telling at this moment"


def _tell_change(
    folder: Path,
    path: Path,
    verdicts: Sequence[Verdict],
    params: Mapping[str, str],
    settings: AlertSettings,
) -> tuple[tuple[Delivery, ...], str]:
    state = load_state(path)
    deliveries: tuple[Delivery, ...] = ()
    if settings.urls and is_change(state, verdicts):
        around = _surroundings(folder, state.good, params)
        deliveries = deliver(compose(verdicts, around, settings.secrets()), settings)
        if not all(each.problem for each in deliveries):
            state = after_telling(state, verdicts)
    if worst(verdicts) is not Status.ALERT:
        stands = position(folder)
        values = {each.rule: each.value for each in verdicts}
        state = State(state.told, GoodRun(stands.commit if stands else None, params, values))
    save_state(path, state)
    return deliveries, ""


def _surroundings(folder: Path, good: GoodRun | None, params: Mapping[str, str]) -> Surroundings:
    stands = position(folder)
    since = good.commit if good else None
    return Surroundings(
        project=folder.resolve().name,
        revision=f"{stands.commit[:7]} {stands.subject}" if stands else "nothing committed yet",
        uncommitted=stands.changed if stands else (),
        good=good,
        commits=commits_since(since, folder) if since else (),
        files=files_since(since, folder) if since else (),
        params=params,
    )


def _dvc_root(folder: Path) -> Path | None:
    inside = folder.resolve()
    return next((place for place in (inside, *inside.parents) if (place / ".dvc").is_dir()), None)
