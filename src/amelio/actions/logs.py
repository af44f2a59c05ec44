"""A stage's output."""

import time
from collections.abc import Iterator
from pathlib import Path

from amelio.actions.repro import STATE_FOLDER
from amelio.engine.attempts import LOG
from amelio.engine.executor import JOURNAL
from amelio.engine.journal import Entry, Journal
from amelio.errors import InputError
from amelio.insight import records

POLL_S = 0.2


def find_root(folder: Path) -> Path:
    """The DVC repository around `folder`. Raises InputError outside of one."""
    for candidate in (folder.resolve(), *folder.resolve().parents):
        if (candidate / ".dvc").is_dir():
            return candidate
    raise InputError("you are not inside of a DVC repository", hint="make one with `dvc init`")


def find_log(root: Path, stage: str) -> Path:
    """The log of the stage's last attempt; a run has no record before its end, but the journal
    tells. Raises InputError.
    """
    state = root / STATE_FOLDER
    for entry in reversed(list(Journal(state / JOURNAL).entries())):
        if entry["kind"] == Entry.STARTED and _is_called(entry["stage"], stage):
            log = Path(entry["folder"]) / LOG
            if log.exists():
                return log
    log_path = records.last_log(state / "runs", stage)
    if log_path is None:
        known = sorted(
            {s.name for run in records.all_runs(state / "runs") for s in run.stages if s.log}
        )
        hint = f"logs are kept of {', '.join(known)}" if known else "nothing has run here yet"
        raise InputError(f"no log of a stage {stage!r}", hint=hint)
    return log_path


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
