"""A stage's output."""

import difflib
import time
from collections.abc import Iterator
from pathlib import Path

from amelio.actions.repro import RUN_LOCK, STATE_FOLDER
from amelio.engine import locks
from amelio.engine.attempts import LOG
from amelio.engine.executor import JOURNAL
from amelio.engine.journal import Entry, Journal
from amelio.errors import InputError
from amelio.insight import records
from amelio.model import Selection

POLL_S = 0.2


def find_root(folder: Path) -> Path:
    """The DVC repository around `folder`. Raises InputError outside of one."""
    for candidate in (folder.resolve(), *folder.resolve().parents):
        if (candidate / ".dvc").is_dir():
            return candidate
    raise InputError("you are not inside of a DVC repository", hint="make one with `dvc init`")


def find_log(root: Path, stage: str, follow: bool = False) -> Path:
    """The log of the stage's last attempt; a run has no record before its end, but the journal
    tells. Raises InputError.

    follow: while a run is under way, wait for it to begin the stage
    """
    state = root / STATE_FOLDER
    is_known = False
    while follow and locks.is_held(state / RUN_LOCK):
        current = max(state.glob("runs/*"), default=None)
        log = _begun(state, stage)
        if log and current and log.parents[1].name == current.name:
            return log
        if not is_known:
            _require_known(stage)
            is_known = True
        time.sleep(POLL_S)
    log = _begun(state, stage) or records.last_log(state / "runs", stage)
    if log is None:
        known = sorted(
            {s.name for run in records.all_runs(state / "runs") for s in run.stages if s.log}
        )
        close = difflib.get_close_matches(stage, known, n=1)
        hint = f"logs are kept of {', '.join(known)}" if known else "nothing has run here yet"
        hint = f"did you mean '{close[0]}'?" if close else hint
        raise InputError(f"no log of a stage {stage!r}", hint=hint)
    return log


def earlier_tries(log: Path) -> list[Path]:
    """The logs of the attempts that the same run made at the stage before."""
    number, _, name = log.parent.name.partition("-")
    found = []
    for other in sorted(log.parents[1].glob(f"*/{LOG}")):
        its_number, _, its_name = other.parent.name.partition("-")
        if its_name == name and its_number < number:
            found.append(other)
    return found


def _begun(state: Path, stage: str) -> Path | None:
    for entry in reversed(list(Journal(state / JOURNAL).entries())):
        if entry["kind"] == Entry.STARTED and _is_called(entry["stage"], stage):
            log = Path(entry["folder"]) / LOG
            if log.exists():
                return log
    return None


def _require_known(stage: str) -> None:
    """Raises InputError when no `dvc.yaml` has the stage, which would be waited for in vain."""
    from amelio.dvcio.workspace import open_workspace

    every = open_workspace(is_quiet=True, is_dry=True).plan(Selection(all_pipelines=True))
    if not any(_is_called(found.id, stage) for found in every):
        names = [found.id.rpartition(":")[2] for found in every]
        close = difflib.get_close_matches(stage, names, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "`dvc stage list --all` shows all stages"
        raise InputError(f"there is no stage {stage!r}", hint=hint)


def _is_called(key: str, stage: str) -> bool:
    return stage in (key, key.rpartition(":")[2])


def read_log(path: Path, follow: bool) -> Iterator[str]:
    """The log's text; with `follow`, what comes after as well, until the attempt has ended."""
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            text = file.read()
            if text:
                yield text
            elif not follow or not _is_running(path):
                rest = file.read()
                if rest:
                    yield rest
                return
            else:
                time.sleep(POLL_S)


def _is_running(log: Path) -> bool:
    attempt = f"{log.parent.parent.name}/{log.parent.name}"
    journal = Journal(log.parent.parent.parent.parent / JOURNAL)
    return any(found.attempt == attempt and not found.exited for found in journal.open_attempts())
