"""Nested figures as titled blocks of values and tables, whatever they are about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amelio.redaction import HIDDEN, is_secret_name
from amelio.reports.changes import value_text

MAX_ROWS = 300
MAX_COLUMNS = 12
MAX_DEPTH = 8
DIGITS = 4
SMALL = 4  # sections with fewer values share one block
_SEPARATOR = " · "

Path = tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A title, then names with values or a table; never both.

    cut: how many more rows there are
    """

    title: str = ""
    values: tuple[tuple[str, str], ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    cut: int = 0


def blocks(content: Any) -> tuple[Block, ...]:
    """The blocks of `content`, in its order: sections of the same keys make one table, small ones
    that follow each other one block.
    """
    sections = list(_sections(content, ()))
    alike: dict[Path, list[tuple[Path, Mapping[str, Any]]]] = {}
    for path, values in sections:
        if path and len(values) <= MAX_COLUMNS:
            alike.setdefault(tuple(values), []).append((path, values))
    found: list[Block] = []
    small: list[tuple[str, str]] = []
    done: set[Path] = set()
    for path, values in sections:
        keys = tuple(values)
        is_table = path and len(alike.get(keys, ())) > 1
        if is_table and keys in done:
            continue
        if not is_table and path and len(values) < SMALL:
            name = _SEPARATOR.join(path)
            small += [(f"{name}{_SEPARATOR}{key}", text) for key, text in _texts(values)]
            continue
        if small:
            found.append(_values("", small))
            small = []
        if is_table:
            done.add(keys)
            found.append(_table(keys, alike[keys]))
        else:
            found.append(_values(_SEPARATOR.join(path), list(_texts(values))))
    return (*found, _values("", small)) if small else tuple(found)


def _sections(content: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every section's own values, sections without any left out."""
    if _is_rows(content):
        content = {str(place): each for place, each in enumerate(content, 1)}
    if not isinstance(content, dict):
        yield path, {"": content}
        return
    is_last = len(path) >= MAX_DEPTH
    own = {str(key): value for key, value in content.items() if is_last or not _is_section(value)}
    if own:
        yield path, own
    for key, value in content.items():
        if not is_last and _is_section(value):
            yield from _sections(value, (*path, str(key)))


def _is_section(value: Any) -> bool:
    return (isinstance(value, dict) and bool(value)) or _is_rows(value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _values(title: str, pairs: Sequence[tuple[str, str]]) -> Block:
    return Block(title, values=tuple(pairs[:MAX_ROWS]), cut=max(0, len(pairs) - MAX_ROWS))


def _table(keys: Path, held: Sequence[tuple[Path, Mapping[str, Any]]]) -> Block:
    """What all paths begin or end with is the title, the rest names the row."""
    paths = [path for path, _ in held]
    n_head = min(_n_common(paths), min(map(len, paths)) - 1)
    n_tail = 0 if n_head else _n_common([path[::-1] for path in paths])
    n_tail = min(n_tail, min(map(len, paths)) - 1)
    title = paths[0][:n_head] if n_head else paths[0][len(paths[0]) - n_tail :]
    rows = tuple(
        (_SEPARATOR.join(path[n_head : len(path) - n_tail]), *(text for _, text in _texts(values)))
        for path, values in held
    )
    cut = max(0, len(rows) - MAX_ROWS)
    return Block(_SEPARATOR.join(title), header=("", *keys), rows=rows[:MAX_ROWS], cut=cut)


def _n_common(paths: Sequence[Path]) -> int:
    """How many first parts all paths share."""
    n = 0
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        n += 1
    return n


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        yield key, HIDDEN if is_secret_name(key) else value_text(value, DIGITS)
