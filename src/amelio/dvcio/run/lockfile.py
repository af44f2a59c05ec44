"""Writes `dvc.lock`: DVC's bytes, changed entries only, all or nothing."""

import io
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from amelio import faults
from amelio.atomic import replacing

_ENTRY = re.compile(r"^  (?=[^\s#-])(.+):\n", re.MULTILINE)
_NEXT_SECTION = re.compile(r"^(?=\S)", re.MULTILINE)
_HEAD = "schema: '2.0'\nstages:\n"


class LockFileReader:
    """The entries of one `dvc.lock` as they were when this object was made; parsed when first asked
    for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.stat: tuple[int, int] | None = _stat_of(path)
            self._text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.stat, self._text = None, ""
        self._entries: dict[str, dict[str, Any]] | None = None

    @property
    def is_current(self) -> bool:
        """Whether the file is still the one that was read."""
        try:
            return self.stat == _stat_of(self.path)
        except FileNotFoundError:
            return self.stat is None

    def note_own_write(self) -> None:
        """The file has changed, but by our own hand."""
        self.stat = _stat_of(self.path)

    def entry(self, name: str) -> dict[str, Any] | None:
        """A stage's entry with the values that DVC would read; None where there is none."""
        if self._entries is None:
            from dvc.utils.serialize import parse_yaml

            self._entries = parse_yaml(self._text, str(self.path)).get("stages") or {}
        return self._entries.get(name)


def _stat_of(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns


class LockFileWriter:
    """One `dvc.lock`. Entries are queued and written together.

    An entry that the file has keeps its place. A new one stands where a serial run would have put
    it: before those new entries of this run that come later in serial order, else at the end.

    Only the queued entries are rendered, with DVC's own YAML writer and inside `stages:`, since
    line folding depends on the indentation; the text of all others is kept. A file whose text does
    not split cleanly is rendered as a whole.
    """

    def __init__(self, path: Path, order: Mapping[str, int]) -> None:
        self.path = path
        self._order = order
        self._queued: dict[str, Mapping[str, Any]] = {}
        self._new: set[str] = set()
        self._text: str | None = None
        self._head = _HEAD
        self._entries: dict[str, str] = {}
        self._tail = ""

    def queue(self, name: str, entry: Mapping[str, Any]) -> None:
        """Write `entry` at the next `flush`."""
        self._queued[name] = entry

    def flush(self) -> bool:
        """Write what is queued; False when the file had it all already. The queue stays when
        writing fails.
        """
        if not self._queued:
            return False
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        new_text = self._with_queued(text)
        is_changed = new_text != text
        if is_changed:
            with replacing(self.path) as temporary:
                faults.reach("commit.before_write")
                temporary.write_text(new_text, encoding="utf-8")
                faults.reach("commit.before_rename")
            faults.reach("commit.after_rename")
        self._text = new_text
        self._queued.clear()
        return is_changed

    def _with_queued(self, text: str) -> str:
        queued = sorted(self._queued, key=lambda name: self._order.get(name, -1))
        rendered = {name: render_entry(name, self._queued[name]) for name in queued}
        has_anchors = any(re.search(r"[&*]id\d", entry) for entry in rendered.values())
        if text != self._text and not self._split(text):
            return self._render_all(text, queued)
        if has_anchors or re.search(r"[&*]id\d", text):
            self._text = None
            return self._render_all(text, queued)
        for name in queued:
            self._place(name)
            self._entries[name] = rendered[name]
        return self._head + "".join(self._entries.values()) + self._tail

    def _place(self, name: str) -> None:
        if name in self._entries:
            return
        later = [
            other
            for other in self._entries
            if other in self._new and self._order.get(other, -1) > self._order.get(name, -1)
        ]
        self._new.add(name)
        self._entries[name] = ""
        if later:
            moved = list(self._entries)
            for other in moved[moved.index(later[0]) : -1]:
                self._entries[other] = self._entries.pop(other)

    def _split(self, text: str) -> bool:
        if not text.strip():
            self._head, self._entries, self._tail = _HEAD, {}, ""
            return True
        start = text.find("\nstages:\n")
        if start < 0 or "\r" in text:
            return False
        start += len("\nstages:\n")
        end = _NEXT_SECTION.search(text, start)
        stop = end.start() if end else len(text)
        body = text[start:stop]
        marks = list(_ENTRY.finditer(body))
        loaded = yaml.load(text, Loader=_KeysLoader)  # noqa: S506 - strings only
        names = list(loaded.get("stages") or {})
        if [_plain(mark[1]) for mark in marks] != names or (marks and marks[0].start() != 0):
            return False
        bounds = [mark.start() for mark in marks] + [len(body)]
        pieces = [body[a:b] for a, b in pairwise(bounds)]
        if stop == len(text) and pieces and not pieces[-1].endswith("\n"):
            return False
        self._head, self._tail = text[:start], text[stop:]
        self._entries = dict(zip(names, pieces, strict=True))
        return True

    def _render_all(self, text: str, queued: list[str]) -> str:
        from dvc.utils.serialize import parse_yaml_for_update

        data = parse_yaml_for_update(text, str(self.path))
        if not data:
            data["schema"] = "2.0"
        stages = data.setdefault("stages", {})
        for name in queued:
            if name in stages:
                stages[name] = self._queued[name]
                continue
            later = [
                index
                for index, other in enumerate(stages)
                if other in self._new and self._order.get(other, -1) > self._order.get(name, -1)
            ]
            self._new.add(name)
            if later and hasattr(stages, "insert"):
                stages.insert(later[0], name, self._queued[name])
            else:
                stages[name] = self._queued[name]
        return dumps(data)


_KeysLoader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def _plain(key: str) -> object:
    return yaml.load(key, Loader=_KeysLoader) if key[0] in "'\"" else key  # noqa: S506 - strings only


def render_entry(name: str, entry: Mapping[str, Any]) -> str:
    """The text of one entry as DVC writes it inside `stages:`."""
    return dumps({"stages": {name: entry}}).partition("\n")[2]


def dumps(data: Mapping[str, Any]) -> str:
    """`data` as DVC's YAML writer gives it."""
    from dvc.utils.serialize._yaml import _dump

    stream = io.StringIO()
    _dump(data, stream)
    return stream.getvalue()
