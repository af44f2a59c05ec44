"""DVC's two kinds of locks: the repository's, and the read and write locks on single paths."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.atomic import write_text
from amelio.errors import EnvironmentFailedError
from amelio.model import BusyError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

logger = logging.getLogger(__name__)

PATIENCE_S = 600.0


@contextmanager
def repository_lock(repo: "Repo", patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold DVC's repository lock; waits for other programs, `patience_s` at the most."""
    from dvc.lock import LockError

    deadline = time.monotonic() + patience_s
    while True:
        try:
            repo.lock.lock()
            break
        except LockError as error:
            if time.monotonic() > deadline:
                raise EnvironmentFailedError(
                    f"another DVC command has held the repository lock for {patience_s:.0f} s",
                    path=repo.lock.lockfile,
                    hint="see which one with `fuser` on that file, end it, and run again",
                ) from error
    repo._lock_depth += 1
    try:
        yield
    finally:
        repo._lock_depth -= 1
        repo.lock.unlock()


class PathLocks:
    """Entries in DVC's `rwlock` file for the stages at work, so that other DVC commands keep off
    their files.
    """

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._held: dict[str, ExitStack] = {}

    def take(self, key: str, stage: "Stage") -> None:
        """Lock what the stage reads and writes. Raises BusyError."""
        from dvc.dependency.db import AbstractDependency
        from dvc.dependency.repo import RepoDependency
        from dvc.lock import LockError
        from dvc.rwlock import RWLockFileCorruptedError, RWLockFileFormatError, rwlock

        reads = [
            item.fs_path
            for item in stage.deps
            if not isinstance(item, (RepoDependency, AbstractDependency))
        ]
        writes = [item.fs_path for item in stage.outs]
        repo = self._repo
        is_hard = repo.config["core"].get("hardlink_lock", False)
        for is_last_try in (False, True):
            stack = ExitStack()
            try:
                command = " ".join(sys.argv)
                stack.enter_context(rwlock(repo.tmp_dir, repo.fs, command, reads, writes, is_hard))
            except LockError as error:
                raise BusyError(str(error)) from error
            except (RWLockFileCorruptedError, RWLockFileFormatError):
                if is_last_try:
                    raise
                self._mend()
            else:
                self._held[key] = stack
                return

    def give_back(self, key: str) -> None:
        """Unlock, when locked."""
        stack = self._held.pop(key, None)
        if stack is not None:
            stack.close()

    def give_all_back(self) -> None:
        """Unlock everything."""
        for key in list(self._held):
            self.give_back(key)

    def _mend(self) -> None:
        """Replace a torn `rwlock` file, which DVC would ask the user to remove. Called under the
        repository lock.
        """
        path = Path(self._repo.tmp_dir) / "rwlock"
        logger.warning("%s was torn by a crash; made a new one", path)
        write_text(path, json.dumps({}))
