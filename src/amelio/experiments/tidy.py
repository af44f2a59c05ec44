"""Which experiments are to be removed: by name or pattern, filter, age, rank."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from amelio.errors import InputError
from amelio.experiments.choice import best_first, filtered, ranked
from amelio.experiments.table import Row, Table
from amelio.yaml_problems import suggestion

WILD = frozenset("*?[")
_AGE = re.compile(r"(\d+)\s*(h|d|w)")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Rubbish:
    """What is to be removed; what is given must all be true of an experiment.

    names: names or patterns of names; keep_top: so many of the best by `metric` stay
    is_inverted: what was chosen stays, and the others go
    """

    names: tuple[str, ...] = ()
    filter: str = ""
    older_than: str = ""
    keep_top: int | None = None
    metric: str = ""
    is_inverted: bool = False

    @property
    def is_more_than_names(self) -> bool:
        """Whether it is no mere list of names."""
        return self._is_more_than_patterns or any(map(has_pattern, self.names))

    @property
    def is_by_name(self) -> bool:
        """Whether names or patterns alone choose."""
        return bool(self.names) and not self._is_more_than_patterns

    @property
    def _is_more_than_patterns(self) -> bool:
        other = self.filter or self.older_than or self.keep_top is not None or self.is_inverted
        return bool(other)


def has_pattern(name: str) -> bool:
    """Whether it may mean several experiments."""
    return bool(WILD.intersection(name))


def rubbish(table: Table, wanted: Rubbish, now: datetime) -> tuple[Row, ...]:
    """The experiments of `table` that are chosen.

    Raises InputError for a name that does not exist, an age or an expression that makes no sense.
    """
    chosen = table.experiments
    if wanted.names:
        known = [row.label for row in chosen]
        missing = [name for name in wanted.names if not has_pattern(name) and name not in known]
        if missing:
            close = suggestion(missing[0], known[:20])
            raise InputError(f"no experiment is called {', '.join(missing)}; {close}")
        chosen = tuple(row for row in chosen if _is_named(row.label, wanted.names))
    if wanted.filter:
        kept = {id(row) for row in filtered(table, wanted.filter).experiments}
        chosen = tuple(row for row in chosen if id(row) in kept)
    if wanted.older_than:
        limit = now - _age(wanted.older_than)
        chosen = tuple(row for row in chosen if row.time is not None and row.time < limit)
    if wanted.keep_top is not None:
        best = ranked(table.experiments, best_first(table, wanted.metric))[: wanted.keep_top]
        chosen = tuple(row for row in chosen if all(row is not each for each in best))
    return chosen


def _is_named(label: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(label, name) if has_pattern(name) else label == name for name in names)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise InputError(f"--older-than is a number with h, d or w, such as 30d, not '{text}'")
    try:
        return int(found[1]) * _UNITS[found[2]]
    except OverflowError as error:
        raise InputError(f"--older-than {text} is before the beginning of time") from error
