"""Changes of the quality's state are told at the user's own places."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from amelio.dvcio.git.history import commits_since, files_since, position
from amelio.dvcio.project import dvc_root
from amelio.errors import AmelioError, InputError
from amelio.quality.alert_settings import URLS, AlertSettings, load_alert_settings, user_file
from amelio.quality.delivery import Delivery, Kind, Message, deliver
from amelio.quality.message import Surroundings, compose
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

STATES = Path(".dvc/tmp/amelio/quality")
EXPERIMENT = "DVC_EXP_NAME"  # DVC sets it for the stages of an experiment


def tell_change(
    folder: Path, verdicts: Sequence[Verdict], params: Mapping[str, Any], gate: str = ""
) -> tuple[str, ...]:
    """Send a message if these verdicts are not what was told last; keep the state.

    gate: which one judged, where it is not that of quality; each has a state of its own

    Returns what became of it, one line each. Never raises: whatever is wrong with alerts, the
    verdicts stand.
    """
    root = dvc_root(folder)
    if root is None or os.environ.get(EXPERIMENT):
        return ()  # an experiment is tried, not relied on: nobody is called for it
    try:
        path = _state_file(folder, root, gate)
        settings = load_alert_settings()
        with FileLock(path.with_suffix(".lock"), timeout=0):
            deliveries = _tell(folder, path, verdicts, flat_params(params), settings)
    except Timeout:
        return ("no alert: another check is telling at this moment",)
    except (AmelioError, OSError) as error:
        return (f"alerts do not work: {error}",)
    return tuple(
        f"alert not sent to {each.service}: {each.problem}"
        if each.problem
        else f"alert sent to {each.service}"
        for each in deliveries
    )


def send_test_alert(folder: Path) -> tuple[Delivery, ...]:
    """Send a test message to every URL. Raises InputError when there are none."""
    settings = load_alert_settings()
    if not settings.urls:
        raise InputError(
            "no URLs for alerts", hint=f"set {URLS}, or `alerts: {{urls: […]}}` in {user_file()}"
        )
    text = f"A test of amelio's alerts for {folder.resolve().name}: this place gets them."
    return deliver(Message(Kind.INFO, "amelio: test alert", text), settings)


def _state_file(folder: Path, root: Path, gate: str) -> Path:
    inside = quote(folder.resolve().relative_to(root).as_posix(), safe="")
    path = root / STATES / f"state{gate}-{inside}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _tell(
    folder: Path,
    path: Path,
    verdicts: Sequence[Verdict],
    params: Mapping[str, str],
    settings: AlertSettings,
) -> tuple[Delivery, ...]:
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
    return deliveries


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
