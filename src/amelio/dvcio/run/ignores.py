"""Keeps DVC's lines in `.gitignore` files in the order of a serial run; knows what Git has."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH116, PTH118, PTH120

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.atomic import write_bytes

if TYPE_CHECKING:
    from dvc.repo import Repo


class IgnoreOrder:
    """Knows which ignored paths this run added, and for which stage."""

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._ranks: dict[str, dict[str, tuple[int, int]]] = {}
        self._seen: dict[str, tuple[int, int, int] | None] = {}

    def added(self, paths: Iterable[str], rank: int) -> None:
        """DVC has just appended lines for `paths` of the stage at `rank` of the serial order."""
        for path in paths:
            entry, gitignore = self._repo.scm._get_gitignore(path)
            ranks = self._ranks.setdefault(gitignore, {})
            is_late = any(rank < other[0] for other in ranks.values())
            ranks[_line(entry)] = (rank, len(ranks))
            if is_late:
                _sort(Path(gitignore), ranks)
            self._seen[gitignore] = _stat_of(gitignore)

    def look_again(self, paths: Iterable[str]) -> None:
        """Make DVC read those `.gitignore` files again that bear on `paths` and were changed by
        others.

        DVC reads all of them for every stage, which takes quadratic time.
        """
        from dvc.scm import NoSCM

        if isinstance(self._repo.scm, NoSCM):
            return
        root = self._repo.scm.root_dir
        is_changed = False
        for folder in {folder for path in paths for folder in _folders(path, root)}:
            gitignore = os.path.join(folder, ".gitignore")
            stat = _stat_of(gitignore)
            is_changed |= self._seen.get(gitignore, stat) != stat
            self._seen[gitignore] = stat
        if is_changed:
            self._repo.scm._reset()


class GitIndex:
    """Which files Git has. DVC reads Git's whole index, and its settings, for every output."""

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._stat: tuple[int, int, int] | None = None
        self._paths: list[str] = []

    def has(self, path: str) -> bool:
        """Whether Git has the file, or a file in the folder."""
        from dvc.scm import NoSCM

        scm = self._repo.scm
        if isinstance(scm, NoSCM):
            return False
        stat = _stat_of(scm.dulwich.repo.index_path())
        if stat != self._stat:
            names = scm.dulwich.repo.open_index() if stat else ()
            self._paths = sorted(map(os.fsdecode, names))
            self._stat = stat
        name = os.path.relpath(path, scm.root_dir)
        places = (bisect_left(self._paths, wanted) for wanted in (name, f"{name}/"))
        return any(
            found == name or found.startswith(f"{name}/")
            for place in places
            for found in self._paths[place : place + 1]
        )


def _folders(path: str, root: str) -> Iterator[str]:
    folder = os.path.dirname(path)
    while folder.startswith(root):
        yield folder
        folder = os.path.dirname(folder)


def _stat_of(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _line(entry: str) -> str:
    from pathspec.patterns.gitwildmatch import GitWildMatchPattern

    return str(GitWildMatchPattern.escape(entry))


def _sort(gitignore: Path, ranks: dict[str, tuple[int, int]]) -> None:
    text = gitignore.read_text(encoding="utf-8")
    lines = text.splitlines()
    places = [index for index, line in enumerate(lines) if line in ranks]
    ordered = sorted((lines[place] for place in places), key=ranks.__getitem__)
    for place, line in zip(places, ordered, strict=True):
        lines[place] = line
    _overwrite(gitignore, text.encode(), ("\n".join(lines) + "\n").encode())


def _overwrite(path: Path, old: bytes, new: bytes) -> None:
    """Write what differs: the last lines, in one call. Replacing the file takes 4 ms."""
    if len(new) != len(old):  # its last line had no end
        write_bytes(path, new, is_synced=False)
        return
    same = len(os.path.commonprefix([old, new]))  # noqa: RUF071 (of bytes, not of paths)
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(handle, new[same:], same)
    finally:
        os.close(handle)


def newly_ignored(repo: "Repo", n_before: int) -> list[str]:
    """The paths that DVC has written into `.gitignore` files since there were `n_before`."""
    return [os.fspath(path) for path in repo.scm_context.ignored_paths[n_before:]]
