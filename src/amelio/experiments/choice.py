"""Which experiments are meant: an expression over their metrics and parameters, the best by one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.errors import InputError
from amelio.experiments.table import Column, Kind, Row, Table
from amelio.expressions import Lookup, NoValueError, check, evaluate
from amelio.reports.directions import better_of
from amelio.reports.facts import Better
from amelio.yaml_problems import suggestion

NAMES = ("metrics", "params")
DEFAULT_PARAMS = "params.yaml"


@dataclass(frozen=True)
class Order:
    """By which column experiments are sorted; those without a value come last."""

    column: Column
    is_descending: bool


def filtered(table: Table, expression: str) -> Table:
    """Only the experiments for which `expression` is true; other rows stay.

    Raises InputError when it is no expression, or when no experiment has what it asks for.
    """
    try:
        check(expression, NAMES)
    except InputError as error:
        raise InputError(f"--filter: {error.message}") from error
    reasons: list[str] = []
    kept = [row for row in table.rows if not row.is_experiment or _is_so(row, expression, reasons)]
    if reasons and len(reasons) == len(table.experiments):
        raise InputError(
            f"--filter: {reasons[0]}",
            hint="names are metrics.FILE.KEY or metrics['path/file.json'].KEY, and params.KEY",
        )
    return replace(table, rows=tuple(kept))


def find_column(table: Table, name: str) -> Column:
    """The metric or parameter called `name`: as in the table's header, `FILE:NAME`, or the end of
    one name only.

    Raises InputError when there is none, or more than one.
    """
    columns = [column for column in table.columns if column.kind is not Kind.DEPS]
    rules = (
        lambda c: name in (f"{c.file}:{c.name}", c.header),
        lambda c: name in (c.name, f"{PurePosixPath(c.file).stem}.{c.name}"),
        lambda c: name in (f"metrics.{PurePosixPath(c.file).stem}.{c.name}", f"params.{c.name}"),
        lambda c: c.name.endswith(f".{name}"),
    )
    for rule in rules:
        found = [column for column in columns if rule(column)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"{column.file}:{column.name}" for column in found)
            raise InputError(f"'{name}' may be any of {listed}")
    known = [column.header for column in columns]
    raise InputError(f"no metric or parameter is called '{name}'; {suggestion(name, known)}")


def ordered(table: Table, order: Order) -> Table:
    """Experiments sorted within the commit that they belong to, as DVC does."""
    rows: list[Row] = []
    group: list[Row] = []
    for row in table.rows:
        if row.is_experiment:
            group.append(row)
        else:
            rows += [*ranked(group, order), row]
            group = []
    return replace(table, rows=(*rows, *ranked(group, order)))


def top(table: Table, count: int, order: Order) -> Table:
    """The first `count` experiments of all, each still below its commit."""
    best = {id(row) for row in ranked(table.experiments, order)[:count]}
    kept = tuple(row for row in table.rows if not row.is_experiment or id(row) in best)
    return ordered(replace(table, rows=kept), order)


def best_first(table: Table, name: str) -> Order:
    """Sorted so that the best value of metric `name` comes first, as far as its name tells."""
    column = find_column(table, name)
    return Order(column, better_of(column.name) is not Better.LOWER)


def ranked(rows: Sequence[Row], order: Order) -> list[Row]:
    """Rows sorted by one column: numbers, then texts, then those without a value."""
    known = [row for row in rows if _is_known(row.values.get(order.column))]
    unknown = [row for row in rows if not _is_known(row.values.get(order.column))]
    return sorted(known, key=lambda row: _key(row, order.column), reverse=order.is_descending) + (
        unknown
    )


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _key(row: Row, column: Column) -> tuple[bool, Any]:
    value = row.values[column]
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else str(value)


def _is_so(row: Row, expression: str, reasons: list[str]) -> bool:
    names: dict[str, Lookup] = {"metrics": _Metrics(row.snapshot), "params": _Params(row.snapshot)}
    try:
        return bool(evaluate(expression, names).value)
    except NoValueError as error:
        reasons.append(str(error))
        return False


def _content(files: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    if "data" not in files[path]:
        raise NoValueError(f"{path} could not be read")
    return files[path]["data"]


class _Metrics:
    """`metrics.eval_metrics` and `metrics['metrics/eval_metrics.json']`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._files = snapshot.metrics

    def __getitem__(self, key: str, /) -> Any:
        found = [path for path in self._files if key in (path, PurePosixPath(path).stem)]
        if len(found) == 1:
            return _content(self._files, found[0])
        known = suggestion(key, [PurePosixPath(path).stem for path in self._files])
        problem = "several metrics files are" if found else "no metrics file is"
        raise NoValueError(f"{problem} called {key}; {known}")


class _Params:
    """`params.train.epochs` of params.yaml, `params['other.yaml'].key` of another file."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._files = snapshot.params

    def __getitem__(self, key: str, /) -> Any:
        if key in self._files:
            return _content(self._files, key)
        default = _content(self._files, DEFAULT_PARAMS) if DEFAULT_PARAMS in self._files else {}
        if isinstance(default, dict) and key in default:
            return default[key]
        known = [str(name) for name in default] + [p for p in self._files if p != DEFAULT_PARAMS]
        raise NoValueError(f"no parameter or file is called {key}; {suggestion(key, known)}")
