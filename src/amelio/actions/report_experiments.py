"""The experiments of the last commits, as a report shows them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amelio.dvcio.experiments.states import Scope, collect_states
from amelio.experiments.table import Column, Kind, Row, Table, table_of
from amelio.reports.directions import better_of
from amelio.reports.facts import Better, Experiment, Experiments
from amelio.reports.importance import importance

N_COMMITS = 10
MAX_EXPERIMENTS = 500


def experiments_of(root: Path, better: Mapping[str, Better]) -> Experiments:
    """All experiments that start from one of the last commits, the best first, and those commits.

    better: `file:key` of metrics that a rule judges, with the good direction

    Raises InputError outside of Git.
    """
    table = table_of(collect_states(root, Scope(num=N_COMMITS, hide_workspace=True)))
    if not table.experiments:
        return Experiments()
    metric = _metric(table, better)
    rows = sorted(_with_values(table), key=lambda row: _order(row, metric, better))
    names = {column: column.header for column in table.columns}
    shown = [_experiment(row, names) for row in rows[:MAX_EXPERIMENTS]]
    strong: dict[str, float] = {}
    if metric:
        values = [_number(each.metrics.get(metric.header)) for each in shown]
        strong = importance([each.params for each in shown], values)
    return Experiments(tuple(shown), metric.header if metric else "", strong)


def _with_values(table: Table) -> list[Row]:
    """Experiments, and commits that have experiments, if there is anything to show of them."""
    bases = {row.baseline for row in table.experiments}
    return [
        row
        for row in table.rows
        if row.values and (row.is_experiment or row.snapshot.commit in bases)
    ]


def _metric(table: Table, better: Mapping[str, Better]) -> Column | None:
    """The metric that experiments are about: one of a rule, else one whose name tells what is
    good, else any number; only one that differs between them.
    """
    columns = [column for column in table.columns if column.kind is Kind.METRICS]
    varied = [
        column
        for column in columns
        if len({_number(row.values.get(column)) for row in table.experiments} - {None}) > 1
    ]
    judged = [each for each in varied if f"{each.file}:{each.name}" in better]
    known = sorted(
        (each for each in varied if better_of(each.name)), key=lambda each: each.name.count(".")
    )
    return next(iter([*judged, *known, *varied]), None)


def _order(row: Row, metric: Column | None, better: Mapping[str, Better]) -> tuple[bool, float]:
    """The best first, those without a value last."""
    value = _number(row.values.get(metric)) if metric else None
    if metric is None or value is None:
        return True, 0.0
    direction = better.get(f"{metric.file}:{metric.name}") or better_of(metric.name)
    return False, value if direction is Better.LOWER else -value


def _experiment(row: Row, names: Mapping[Column, str]) -> Experiment:
    sides: dict[Kind, dict[str, Any]] = {kind: {} for kind in Kind}
    for column, value in row.values.items():
        sides[column.kind][names[column]] = value
    return Experiment(
        name=row.label,
        revision=row.snapshot.commit if row.is_experiment else "",
        created=f"{row.time.astimezone():%Y-%m-%d %H:%M}" if row.time else "",
        params=sides[Kind.PARAMS],
        metrics=sides[Kind.METRICS],
    )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None
