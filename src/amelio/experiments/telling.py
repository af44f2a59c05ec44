"""Which columns tell most, where there is no room for all."""

from collections.abc import Collection

from amelio.experiments.table import Column, Kind, Table, only_changed
from amelio.reports.directions import better_of

Rank = tuple[int, int]
FIRST, PARAMETER, FIGURE, OTHER_METRIC, SAME, DEPENDENCY = range(6)


def column_ranks(table: Table, first: Collection[Column] = ()) -> dict[Column, Rank]:
    """The least for `first`, then parameters that differ, then metrics that differ: figures whose
    good direction is known before others, the short names before long ones; at the end what is
    the same everywhere.
    """
    different = set(only_changed(table).columns)
    return {column: _rank(column, different, first) for column in table.columns}


def _rank(column: Column, different: Collection[Column], first: Collection[Column]) -> Rank:
    if column in first:
        return FIRST, 0
    if column.kind is Kind.DEPS:
        return DEPENDENCY, 0
    if column not in different:
        return SAME, 0
    if column.kind is Kind.PARAMS:
        return PARAMETER, 0
    return metric_rank(column)


def metric_rank(column: Column) -> Rank:
    """Of one that differs."""
    return FIGURE if better_of(column.name) else OTHER_METRIC, column.name.count(".")
