"""Locks of our own: `flock`, which dies with its holders."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from amelio.errors import EnvironmentFailedError

POLL_S = 0.1


@contextmanager
def held(path: Path, patience_s: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold an exclusive lock on a file. `waiting` is told once who has it.

    Raises EnvironmentFailedError after `patience_s`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _take(handle, path, patience_s, waiting)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path, patience_s: float, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + patience_s
    is_told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 32, 0).decode().strip() or "?"
            if time.monotonic() >= deadline:
                raise EnvironmentFailedError(
                    f"another amelio run (process {holder}) is at work in this repository",
                    path=path,
                    hint="wait for it, or end it, and run again",
                ) from error
            if not is_told:
                waiting(holder)
                is_told = True
            time.sleep(POLL_S)
        else:
            return


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def stage_lock(folder: Path, stage: str) -> Path:
    """The file that everything a stage starts keeps locked while it lives."""
    return folder / f"{sha256(stage.encode()).hexdigest()[:24]}.lock"


def wait_until_free(path: Path, patience_s: float) -> None:
    """Return when nobody holds the lock. Raises EnvironmentFailedError after `patience_s`."""
    with held(path, patience_s, lambda _: None):
        return
