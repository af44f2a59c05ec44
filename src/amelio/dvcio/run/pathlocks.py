"""DVC's two kinds of locks: the repository's, and the read and write locks on single paths."""

import json
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from amelio.errors import EnvironmentFailedError
from amelio.model import BusyError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

logger = logging.getLogger(__name__)

PATIENCE_S = 600.0
POLL_S = 0.1

T = TypeVar("T")


@contextmanager
def repository_lock(
    repo: "Repo", gives_up: Callable[[], bool], patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Hold DVC's repository lock; waits for other programs, `patience_s` at the most.

    Raises EnvironmentFailedError then, or when `gives_up` says so, which is asked every 3 s.
    """
    _wait(lambda: _take(repo.lock), repo.lock.lockfile, gives_up, patience_s)
    repo._lock_depth += 1
    try:
        yield
    finally:
        repo._lock_depth -= 1
        repo.lock.unlock()


@contextmanager
def reading_lock(
    repo: "Repo", gives_up: Callable[[], bool], patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """As `repository_lock`, but writes nothing: other DVC commands are kept off by a shared lock on
    the file that they lock.

    Where there is no such file, nothing can be held. Raises BusyError at the end when a command has
    begun meanwhile: what was read may be half old, half new.
    """
    folder = Path(str(repo.dvc_dir), "tmp")
    is_hard = repo.config["core"].get("hardlink_lock", False)
    path = folder / "lock"
    handle = _wait(lambda: _share(path, is_hard=is_hard), path, gives_up, patience_s)
    names = _changed_ns(folder)
    repo._lock_depth += 1
    try:
        yield
    finally:
        repo._lock_depth -= 1
        if handle is not None:
            os.close(handle)
        elif _changed_ns(folder) != names:
            raise BusyError("another DVC command began meanwhile", path=path, hint="run it again")


def _share(path: Path, *, is_hard: bool) -> int | None:
    """A shared lock on DVC's lock file, to be closed; None without the file. Raises LockError.

    is_hard: there is the file only while somebody has it (core.hardlink_lock), and its time of
        change says until when
    """
    import fcntl  # Windows has none

    from dvc.lock import LockError

    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if is_hard and os.fstat(handle).st_mtime > time.time():
            raise BlockingIOError
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        time.sleep(POLL_S)
        raise LockError(str(path)) from error
    if is_hard:
        os.close(handle)
        return None
    return handle


def _changed_ns(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _wait(
    take: Callable[[], T], path: Path | str, gives_up: Callable[[], bool], patience_s: float
) -> T:
    from dvc.lock import LockError

    deadline = time.monotonic() + patience_s
    while True:
        try:
            return take()
        except LockError as error:
            if gives_up():
                raise EnvironmentFailedError(
                    "interrupted while another DVC command held the lock"
                ) from error
            if time.monotonic() > deadline:
                raise EnvironmentFailedError(
                    f"another DVC command has held the repository lock for {patience_s:.0f} s",
                    path=path,
                    hint="see which one with `fuser` on that file, end it, and run again",
                ) from error


def _take(lock: Any) -> None:
    """As `lock.lock()`, which makes a progress bar before it knows that it has to wait."""
    from dvc.lock import LockError

    try:
        getattr(lock, "_do_lock", lock.lock)()
    except LockError:
        lock.lock()


@dataclass(frozen=True)
class _Paths:
    read: list[str]
    written: list[str]


class PathLocks:
    """Entries in DVC's `rwlock` file, so that other DVC commands keep off the stages at work.

    An edit of that file takes a millisecond: entries are given back at the next one, or `sweep`.
    """

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._path = Path(repo.tmp_dir) / "rwlock"
        self._held: dict[str, _Paths] = {}
        self._given_back: list[_Paths] = []
        self._written: tuple[bytes, dict[str, Any]] | None = None  # by us: bytes and meaning

    def take(self, key: str, stage: "Stage") -> None:
        """Lock what the stage reads and writes. Raises BusyError."""
        from dvc.dependency.db import AbstractDependency
        from dvc.dependency.repo import RepoDependency
        from dvc.lock import LockError
        from dvc.rwlock import _acquire_read, _acquire_write, _check_blockers

        reads = [
            item.fs_path
            for item in stage.deps
            if not isinstance(item, (RepoDependency, AbstractDependency))
        ]
        writes = [item.fs_path for item in stage.outs]
        info = self._info()
        folder = self._repo.tmp_dir
        try:
            with self._edited() as lock:
                for mode, waiters in (("write", reads + writes), ("read", writes)):
                    if any(overlap(path, waiter) for path in lock[mode] for waiter in waiters):
                        _check_blockers(folder, lock, info, mode=mode, waiters=waiters)
                changes = _Paths(
                    _acquire_read(lock, info, reads), _acquire_write(lock, info, writes)
                )
        except LockError as error:
            raise BusyError(str(error)) from error
        self._held[key] = changes

    def is_written_by_others(self, path: str) -> bool:
        """Whether another process says that it is going to write to the path, or above or below."""
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            holders = {place: int(info["pid"]) for place, info in raw["write"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return any(
            pid != os.getpid() and _is_alive(pid) and overlap(place, path)
            for place, pid in holders.items()
        )

    def give_back(self, key: str) -> None:
        """Unlock soon, when locked."""
        paths = self._held.pop(key, None)
        if paths is not None:
            self._given_back.append(paths)

    def sweep(self) -> None:
        """Unlock now what was given back."""
        if self._given_back:
            with self._edited():
                pass

    def give_all_back(self) -> None:
        """Unlock everything."""
        for key in list(self._held):
            self.give_back(key)
        self.sweep()

    @contextmanager
    def _edited(self) -> Iterator[Any]:
        from dvc.lock import make_lock
        from dvc.rwlock import RWLOCK_LOCK, _release_read, _release_write

        folder = self._repo.tmp_dir
        is_hard = self._repo.config["core"].get("hardlink_lock", False)
        guard = make_lock(f"{folder}/{RWLOCK_LOCK}", tmp_dir=folder, hardlink_lock=is_hard)
        _take(guard)
        try:
            lock = self._read()
            for paths in self._given_back:
                _release_write(lock, self._info(), paths.written)
                lock.setdefault("write", defaultdict(dict))  # DVC takes an empty one out
                _release_read(lock, self._info(), paths.read)
                lock.setdefault("read", defaultdict(list))
            yield lock
            self._written = _overwrite(self._path, json.dumps(lock).encode()), lock
            self._given_back.clear()
        finally:
            guard.unlock()

    def _read(self) -> dict[str, Any]:
        from dvc.rwlock import SCHEMA
        from voluptuous import Invalid

        known, self._written = self._written, None
        try:
            raw = self._path.read_bytes()
            if known and known[0] == raw:
                return known[1]
            lock: dict[str, Any] = SCHEMA(json.loads(raw))
        except FileNotFoundError:
            lock = {}
        except (ValueError, Invalid):  # DVC would ask the user to remove it
            logger.warning("%s was torn by a crash; made a new one", self._path)
            lock = {}
        return {
            "read": defaultdict(list, lock.get("read", {})),
            "write": defaultdict(dict, lock.get("write", {})),
        }

    def _info(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "cmd": " ".join(sys.argv)}


def _overwrite(path: Path, content: bytes) -> bytes:
    """Write in place, as DVC does, but never make the file shorter: an emptied file is torn when we
    are killed then, and ext4 writes it to the disk at once, which takes as long as a sync.

    Returns what is then in it.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        content = content.ljust(os.fstat(handle).st_size)
        os.write(handle, content)
    finally:
        os.close(handle)
    return content


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one lies below the other."""
    first, second = f"{one}/", f"{other}/"
    return first.startswith(second) or second.startswith(first)
