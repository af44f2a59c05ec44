"""Metrics and parameters as rows: name, before, now, and whether that is good."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from amelio.redaction import HIDDEN, is_secret_name
from amelio.reports.directions import better_of
from amelio.reports.facts import Better, Compared, Mark

MAX_DEPTH = 20
_NOTHING = object()


class Kind(StrEnum):
    """How a value stands to the one before."""

    SAME = "same"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Change:
    """One value; texts for people, empty where there is none.

    delta: the signed difference of two numbers; mark: None where neither direction is known
    to be good, or nothing changed
    """

    name: str
    kind: Kind
    before: str = ""
    now: str = ""
    delta: str = ""
    is_up: bool | None = None
    mark: Mark | None = None


@dataclass(frozen=True)
class FileChanges:
    """All values of one file. problem: why it cannot be read now."""

    path: str
    rows: tuple[Change, ...] = ()
    problem: str = ""

    @property
    def is_new(self) -> bool:
        """Whether the baseline has nothing of it."""
        return bool(self.rows) and all(row.kind is Kind.NEW for row in self.rows)

    @property
    def changed(self) -> list[Change]:
        """The rows that are not as they were."""
        return [row for row in self.rows if row.kind is not Kind.SAME]

    @property
    def same(self) -> list[Change]:
        """The rows that are."""
        return [row for row in self.rows if row.kind is Kind.SAME]


def file_changes(
    compared: Compared, better: Mapping[str, Better] | None = None
) -> tuple[FileChanges, ...]:
    """Every file's values, those of now in their order, then those that are gone.

    better: `file:key` → its good direction, where that is known better than by the name; None
    for parameters, of which no direction is good
    """
    paths = dict.fromkeys([*compared.now, *compared.problems, *compared.before])
    return tuple(_file(path, compared, better) for path in paths)


def _file(path: str, compared: Compared, better: Mapping[str, Better] | None) -> FileChanges:
    if path in compared.problems:
        return FileChanges(path, problem=compared.problems[path])
    now, before = (dict(flat(side.get(path))) for side in (compared.now, compared.before))
    rows = []
    for name in dict.fromkeys([*now, *before]):
        direction = None
        if better is not None:
            direction = better.get(f"{path}:{name}") or better_of(name)
        rows.append(change(name, before.get(name, _NOTHING), now.get(name, _NOTHING), direction))
    return FileChanges(path, tuple(rows))


def flat(content: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Dotted names with their values; a list is one value."""
    if isinstance(content, dict) and content and depth < MAX_DEPTH:
        for key, value in content.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key), depth + 1)
    elif prefix or not isinstance(content, dict | None):
        yield prefix, content


def change(name: str, before: Any, now: Any, better: Better | None) -> Change:
    """One value then and now."""
    if is_secret_name(name):
        before, now = (each if each is _NOTHING else HIDDEN for each in (before, now))
    if before is _NOTHING:
        return Change(name, Kind.NEW, now=value_text(now))
    if now is _NOTHING:
        return Change(name, Kind.GONE, before=value_text(before))
    old, new = _pair(before, now)
    if _is_same(before, now):
        return Change(name, Kind.SAME, old, new)
    if not (_is_number(before) and _is_number(now)):
        return Change(name, Kind.CHANGED, old, new)
    is_up = now > before
    mark = None
    if better is not None:
        mark = Mark.GOOD if is_up == (better is Better.HIGHER) else Mark.BAD
    return Change(name, Kind.CHANGED, old, new, _signed(now - before), is_up, mark)


def value_text(value: Any, digits: int = 6) -> str:
    """A value as people read it: at most `digits` significant digits."""
    if isinstance(value, bool | None):
        return json.dumps(value)
    if isinstance(value, float):
        return _number(value, digits)
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, default=str, ensure_ascii=False)


def _pair(before: Any, now: Any) -> tuple[str, str]:
    """Both as text, in full where six digits would make them look equal."""
    old, new = value_text(before), value_text(now)
    if old == new and not _is_same(before, now):
        return _typed(before), _typed(now)
    return old, new


def _typed(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _is_same(before: Any, now: Any) -> bool:
    both_nan = all(isinstance(each, float) and math.isnan(each) for each in (before, now))
    return both_nan or (before == now and isinstance(before, bool) == isinstance(now, bool))


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _number(value: float, digits: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}g}"


def _signed(difference: float) -> str:
    text = f"{difference:+.4g}" if isinstance(difference, float) else f"{difference:+d}"
    return text.replace("-", "−", 1) if text.startswith("-") else text
