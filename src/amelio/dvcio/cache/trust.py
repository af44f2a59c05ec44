"""When DVC's database of hashes may be believed.

DVC takes a file for unchanged when inode, size and mtime are the same. An edit that keeps all three
changes the ctime still.
"""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH112, PTH116, PTH118

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from amelio import fingerprint
from amelio.atomic import write_text

if TYPE_CHECKING:
    from dvc_data.hashfile.state import StateBase

SLACK_NS = 50_000_000  # the kernel's clock for ctime ticks every 4 to 10 ms


class Trust:
    """Remembers each path's fingerprint from when its hashes were right, and since when.

    What looks different later is not believed: hashes of files whose ctime is younger than that are
    taken out of DVC's database, so that DVC reads those files again, and its database is right as
    well.
    """

    def __init__(self, state: "StateBase", path: Path) -> None:
        self._state = state
        self._path = path
        self._known: dict[str, tuple[str, int]] = {}
        self._is_changed = False
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            self._known = {name: (str(mark), int(since)) for name, (mark, since) in raw.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._known = {}  # lost: as after the first run

    def check(self, paths: Iterable[str]) -> None:
        """Call before DVC looks at `paths`."""
        for path in paths:
            now_ns = time.time_ns()
            mark = fingerprint.of_path(path)
            known = self._known.get(path)
            if known is not None and known[0] == mark:
                continue
            if known is not None and mark != fingerprint.MISSING:
                self._distrust(path, known[1] - SLACK_NS)
            self._remember(path, mark, now_ns)

    def note(self, paths: Iterable[str]) -> None:
        """Call after DVC has hashed `paths` anew."""
        for path in paths:
            self._remember(path, fingerprint.of_path(path), time.time_ns())

    def mark(self, path: str) -> str:
        """The fingerprint with which the path was last looked at."""
        known = self._known.get(path)
        return known[0] if known else fingerprint.MISSING

    def save(self) -> None:
        """Keep it for the next run."""
        if self._is_changed:
            write_text(self._path, json.dumps(self._known), is_synced=False)
            self._is_changed = False

    def _remember(self, path: str, mark: str, now_ns: int) -> None:
        if mark == fingerprint.MISSING:
            self._is_changed |= self._known.pop(path, None) is not None
            return
        self._known[path] = (mark, now_ns)
        self._is_changed = True

    def _distrust(self, path: str, since_ns: int) -> None:
        hashes = getattr(self._state, "hashes", None)
        if hashes is None:
            return
        for file in _files(path):
            try:
                is_young = os.stat(file).st_ctime_ns >= since_ns
            except OSError:
                continue
            if is_young:
                hashes.delete(file)


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)
