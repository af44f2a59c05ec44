"""The worktrees that experiments run in: made once, used again, discarded after a crash."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from amelio.dvcio.git.plumbing import plumb
from amelio.engine.executor import LOCKS
from amelio.engine.locks import held, wait_until_free
from amelio.errors import EnvironmentFailedError

DEATH_PATIENCE_S = 30.0
IN_USE = "in-use"
_SPECIAL = re.compile(r"([\\*?\[\]!# ])")


class Worktree:
    """One worktree.

    tree: the top of its working tree
    """

    def __init__(self, folder: Path, top: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self._top = top
        self._kept: tuple[str, ...] = ()
        self._head = ""

    @property
    def is_there(self) -> bool:
        """Whether Git's part of it exists."""
        return (self.tree / ".git").exists()

    def used_with(self, state: Path) -> None:
        """Note where the engine has the locks of what runs here from now on."""
        (self.folder / IN_USE).write_text(str(state), encoding="utf-8")

    def set_to(self, commit: str, baseline: str) -> bool:
        """Make the tree what `commit` has, with HEAD at `baseline`, and nothing else but what was
        kept. True when it is a new one.
        """
        is_new = not self.is_there
        if is_new:
            self._make(baseline)
        elif baseline != self._head:
            plumb(["update-ref", "--no-deref", "HEAD", baseline], self.tree)
        self._head = baseline
        plumb(["read-tree", "--reset", "-u", commit], self.tree)
        if not is_new:
            spared = ["**/.dvc/tmp", "**/.dvc/config.local", *map(_pattern, self._kept)]
            words = [word for pattern in spared for word in ("-e", pattern)]
            plumb(["clean", "-ffdxq", *words], self.tree)
        return is_new

    def keep(self, paths: Sequence[str]) -> None:
        """Outputs that are in the cache may stay for the next experiment; relative to the top."""
        self._kept = tuple(paths)

    def discard(self) -> None:
        """Take it away, once nothing of it runs any more."""
        in_use = self.folder / IN_USE
        state = in_use.read_text(encoding="utf-8") if in_use.exists() else ""
        for lock in (Path(state) / LOCKS).glob("*.lock") if state else ():
            wait_until_free(lock, DEATH_PATIENCE_S)
        shutil.rmtree(self.tree, ignore_errors=True)  # first: a full disk has no room for the lock
        with held(self.folder.parent / "git.lock", DEATH_PATIENCE_S, lambda _: None):
            plumb(["worktree", "prune"], self._top)

    def _make(self, baseline: str) -> None:
        words = ["worktree", "add", "--quiet", "--force", "--detach", "--no-checkout"]
        with held(self.folder.parent / "git.lock", DEATH_PATIENCE_S, lambda _: None):
            shutil.rmtree(self.tree, ignore_errors=True)
            plumb([*words, str(self.tree), baseline], self._top)


@contextmanager
def borrowed(home: Path, top: Path) -> Iterator[Worktree]:
    """A worktree of one's own, the first that is free; one that a crash left is made anew.

    home: the folder of all worktrees
    """
    handle, folder = _first_free(home)
    try:
        worktree = Worktree(folder, top)
        if (folder / IN_USE).exists():
            worktree.discard()
        (folder / IN_USE).touch()
        yield worktree
        (folder / IN_USE).unlink(missing_ok=True)
    finally:
        os.close(handle)


def tidy(home: Path, top: Path) -> None:
    """Take away every worktree that nobody uses."""
    for folder in sorted(home.glob("[0-9]*")):
        handle = _locked(folder)
        if handle is None:
            continue
        try:
            Worktree(folder, top).discard()
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


def _first_free(home: Path) -> tuple[int, Path]:
    for number in range(10_000):
        folder = home / f"{number:03}"
        handle = _locked(folder)
        if handle is not None:
            return handle, folder
    raise EnvironmentFailedError("all worktrees are in use", path=home)


def _locked(folder: Path) -> int | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise EnvironmentFailedError(
            f"cannot make a worktree: {error.strerror}", path=folder
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    if not (folder / "lock").exists():  # tidied away between our look and our lock
        os.close(handle)
        return None
    return handle


def _pattern(path: str) -> str:
    return "/" + _SPECIAL.sub(r"\\\1", path)
