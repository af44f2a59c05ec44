"""The table of experiments, and what its two charts need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from markupsafe import Markup

from amelio.redaction import HIDDEN, is_secret_name, redacted
from amelio.reports.changes import value_text
from amelio.reports.class_bars import share_bar
from amelio.reports.directions import better_of
from amelio.reports.facts import Experiment, Experiments

MAX_AXES = 8
MAX_METRICS = 6
MAX_COLUMNS = 14
MAX_POINTS = 500
WIDE = 50  # highest over lowest value, from which on a logarithmic axis shows more
MIN_POINTS = 3  # fewer experiments make no chart


@dataclass(frozen=True)
class Row:
    """One experiment as texts."""

    name: str
    revision: str
    created: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Only what differs between experiments has a column.

    axes: columns of the parallel chart, empty where there are too few experiments
    choices: id, label, chosen column, whether "none" is a choice: of the scatter plot
    importance: parameter, its share as text, its bar
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    metric: str
    axes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    choices: tuple[tuple[str, str, str, bool], ...] = ()
    importance: tuple[tuple[str, str, Markup], ...] = ()
    points: tuple[Mapping[str, Any], ...] = ()


def table_of(held: Experiments) -> Table:
    """The table, its charts' columns and the bars of importance."""
    params = _varied([row.params for row in held.rows])
    metrics = _telling([row.metrics for row in held.rows], held.metric)
    names = [*metrics, *params]
    shown = [*metrics[:1], *params, *metrics[1:MAX_METRICS]][:MAX_COLUMNS]
    rows = tuple(
        Row(each.name, each.revision, each.created, tuple(_text(name, each) for name in shown))
        for each in held.rows
    )
    axes = [*params[: MAX_AXES - 1], *metrics[:1]]
    can_draw = len(held.rows) >= MIN_POINTS and bool(params) and bool(metrics)
    return Table(
        header=tuple(map(redacted, shown)),
        rows=rows,
        metric=redacted(held.metric or (metrics[0] if metrics else "")),
        axes=tuple(map(redacted, axes)) if can_draw else (),
        names=tuple(map(redacted, names)),
        choices=_choices(params, metrics) if can_draw else (),
        importance=tuple(
            (name, f"{share:.0%}", share_bar(share)) for name, share in held.importance.items()
        ),
        points=tuple(_point(each, names) for each in held.rows[:MAX_POINTS]) if can_draw else (),
    )


def data_of(table: Table) -> dict[str, Any] | None:
    """What the page's script draws; shares are places between the lowest and highest value."""
    if not table.axes:
        return None
    return {
        "rows": list(table.points),
        "axes": list(table.axes),
        "metric": table.metric,
        "shares": {name: _shares([row[name] for row in table.points]) for name in table.axes},
        "logarithmic": [
            name for name in table.names if _is_wide([row[name] for row in table.points])
        ],
    }


def _varied(sides: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names whose values differ between the experiments."""
    names = dict.fromkeys(name for side in sides for name in side)
    return [name for name in names if len({value_text(side.get(name)) for side in sides}) > 1]


def _telling(sides: Sequence[Mapping[str, Any]], first: str) -> list[str]:
    """Figures that differ, or all where none does: `first`, then what its name tells to be good or
    bad, and those of the whole before those of its parts.
    """
    numeric = _numeric(sides)
    varied = [name for name in _varied(sides) if name in numeric]
    return sorted(
        varied or numeric, key=lambda name: (name != first, not better_of(name), name.count("."))
    )


def _numeric(sides: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for side in sides for name in side)
    return [name for name in names if any(_is_number(side.get(name)) for side in sides)]


def _text(name: str, each: Experiment) -> str:
    side = each.metrics if name in each.metrics else each.params
    if name not in side:
        return ""
    return HIDDEN if is_secret_name(name) else value_text(side[name])


def _choices(
    params: Sequence[str], metrics: Sequence[str]
) -> tuple[tuple[str, str, str, bool], ...]:
    return (
        ("scatter-x", "across", redacted(params[0]), False),
        ("scatter-y", "up", redacted(metrics[0]), False),
        ("scatter-colour", "colour", "", True),
    )


def _point(each: Experiment, names: Sequence[str]) -> dict[str, Any]:
    both = {**each.params, **each.metrics}
    point: dict[str, Any] = {
        redacted(name): HIDDEN if is_secret_name(name) else _value(both.get(name)) for name in names
    }
    return {**point, "experiment": redacted(each.name)}


def _value(value: Any) -> Any:
    if value is None or _is_number(value):
        return value
    return redacted(value_text(value))


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value)


def _shares(values: Sequence[Any]) -> list[float]:
    """Numbers between 0 and 1; texts by their place in the alphabet."""
    if not all(value is None or _is_number(value) for value in values):
        known = sorted({str(value) for value in values if value is not None})
        values = [None if value is None else known.index(str(value)) for value in values]
    if _is_wide(values):
        values = [None if value is None else log10(value) for value in values]
    numbers = [value for value in values if value is not None]
    low, high = min(numbers, default=0), max(numbers, default=0)
    width = (high - low) or 1
    return [0.5 if value is None or high == low else (value - low) / width for value in values]


def _is_wide(values: Sequence[Any]) -> bool:
    """Whether the numbers are better seen by their magnitude."""
    numbers = [value for value in values if value is not None]
    if not numbers or not all(_is_number(value) and value > 0 for value in numbers):
        return False
    return bool(max(numbers) / min(numbers) >= WIDE)
