"""Many objects of a Git repository, read by one `git cat-file --batch` process."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from amelio.errors import EnvironmentFailedError

AT_ONCE = 200  # requests written before answers are read; 200 × 41 bytes fit into any pipe
FILE_MODES = (b"100644", b"100755")
FOLDER_MODE = b"40000"


@dataclass(frozen=True)
class Tree:
    """One folder of a commit: files and folders by name, with their object ids; no links, no
    submodules.
    """

    files: Mapping[str, str]
    folders: Mapping[str, str]


class GitObjects:
    """Objects by their id, each read once; a context manager around the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, Tree] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process.wait()

    def trees(self, ids: Iterable[str]) -> Mapping[str, Tree]:
        """Trees, and those of their subfolders, all the way down; by id.

        Raises EnvironmentFailedError when the repository lacks one, as a shallow clone may.
        """
        wanted = {oid for oid in ids if oid not in self._trees}
        while wanted:
            read = {oid: _tree(raw, len(oid) // 2) for oid, raw in self._read(wanted).items()}
            self._trees |= read
            folders = (oid for tree in read.values() for oid in tree.folders.values())
            wanted = {oid for oid in folders if oid not in self._trees}
        return self._trees

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Contents of files by id. Raises EnvironmentFailedError when the repository lacks one."""
        missing = [oid for oid in ids if oid not in self._blobs]
        if missing:
            self._blobs |= self._read(set(missing))
        return self._blobs

    def _read(self, ids: Iterable[str]) -> dict[str, bytes]:
        waiting = sorted(ids)
        found: dict[str, bytes] = {}
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            found.update(self._ask(some))
        return found

    def _ask(self, ids: list[str]) -> dict[str, bytes]:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        to.write("".join(f"{oid}\n" for oid in ids).encode())
        to.flush()
        return {oid: self._answer(oid, back) for oid in ids}

    def _answer(self, oid: str, back: IO[bytes]) -> bytes:
        head = back.readline().split()
        if len(head) != 3:
            raise EnvironmentFailedError(
                f"Git has no object {oid[:10]} here: the clone is shallow or damaged",
                hint="`git fetch --unshallow` fetches what is missing",
            )
        content = back.read(int(head[2]) + 1)
        return content[:-1]


def _tree(raw: bytes, id_bytes: int) -> Tree:
    """Git's format: `mode name\\0id` one after the other."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    at = 0
    while at < len(raw):
        end = raw.index(b"\0", at)
        mode, _, name = raw[at:end].partition(b" ")
        oid = raw[end + 1 : end + 1 + id_bytes].hex()
        at = end + 1 + id_bytes
        if mode in FILE_MODES:
            files[name.decode(errors="surrogateescape")] = oid
        elif mode == FOLDER_MODE:
            folders[name.decode(errors="surrogateescape")] = oid
    return Tree(files, folders)
