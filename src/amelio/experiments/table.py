"""The table of experiments: rows, columns named as DVC names them, and what is left out."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState

OWN_HEADERS = ("Experiment", "rev", "typ", "Created", "parent", "State", "Executor")  # DVC's names
ERROR = "!"


class Kind(StrEnum):
    """What a column is about."""

    METRICS = "metrics"
    PARAMS = "params"
    DEPS = "deps"


@dataclass(frozen=True)
class Column:
    """One metric, parameter or dependency; header: its name, with the file where it needs one."""

    kind: Kind
    file: str
    name: str
    header: str


@dataclass(frozen=True)
class RunFacts:
    """What is known of an experiment's run beside its result.

    duration_s: None where nobody knows
    message: why it failed, one line
    """

    duration_s: float | None = None
    message: str = ""


@dataclass(frozen=True)
class Row:
    """The workspace, a commit, or an experiment.

    baseline: where an experiment belongs; None of a row that is one itself
    values: by column
    """

    label: str
    snapshot: Snapshot
    baseline: str | None = None
    state: str = ""
    executor: str = ""
    facts: RunFacts = field(default_factory=RunFacts)
    values: Mapping[Column, Any] = field(default_factory=dict)

    @property
    def is_experiment(self) -> bool:
        """Whether it is one, and not what others are compared with."""
        return self.baseline is not None

    @property
    def time(self) -> datetime | None:
        """When it was committed; None of the workspace."""
        return self.snapshot.time


@dataclass(frozen=True)
class Table:
    """Experiments stand below the row that they belong to."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def experiments(self) -> tuple[Row, ...]:
        """Those rows that are experiments."""
        return tuple(row for row in self.rows if row.is_experiment)


def table_of(
    baselines: Sequence[BaselineState], facts: Mapping[str, RunFacts] | None = None
) -> Table:
    """All rows and columns. facts: by the experiment's commit, or its name where it has none."""
    rows = list(_rows(baselines, facts or {}))
    columns = _columns([row.snapshot for row in rows])
    places = {(column.kind, column.file, column.name): column for column in columns}
    return Table(columns, tuple(replace(row, values=_values(row.snapshot, places)) for row in rows))


def only_changed(table: Table, protected: Iterable[Column] = ()) -> Table:
    """Without columns that have the same value in every row; rows without any value of a column's
    kind do not count: what waits or has failed has parameters, but no metrics or dependencies.
    """
    kept = set(protected)
    rows = {
        kind: [row for row in table.rows if any(column.kind is kind for column in row.values)]
        for kind in Kind
    }
    varied = [
        column
        for column in table.columns
        if column in kept or len({repr(row.values.get(column)) for row in rows[column.kind]}) > 1
    ]
    return replace(table, columns=tuple(varied))


def matching(table: Table, patterns: Sequence[str]) -> list[Column]:
    """The columns whose header begins with what one of the regular expressions describes."""
    if not patterns:
        return []
    wanted = re.compile("|".join(patterns))
    return [column for column in table.columns if wanted.match(column.header)]


def without(table: Table, dropped: Iterable[Column]) -> Table:
    """Without these columns."""
    gone = set(dropped)
    return replace(table, columns=tuple(c for c in table.columns if c not in gone))


def _rows(baselines: Sequence[BaselineState], facts: Mapping[str, RunFacts]) -> Iterator[Row]:
    for base in baselines:
        commit = base.snapshot.commit
        label = base.name or (commit[:7] if len(commit) >= 40 else commit)
        yield Row(label, base.snapshot)
        for state in base.experiments:
            yield _experiment_row(state, commit, facts)


def _experiment_row(state: ExperimentState, base: str, facts: Mapping[str, RunFacts]) -> Row:
    known = facts.get(state.tip.commit) or facts.get(state.name or "") or RunFacts()
    executor = str((state.executor or {}).get("name") or "")
    return Row(state.name or "", state.tip, base, state.state, executor, known)


def _columns(snapshots: Sequence[Snapshot]) -> tuple[Column, ...]:
    names: dict[tuple[Kind, str, str], None] = {}
    for kind in (Kind.METRICS, Kind.PARAMS):
        files: dict[str, dict[str, None]] = {}
        for snapshot in snapshots:
            for file, content in _of(snapshot, kind).items():
                data = content.get("data", {})
                if isinstance(data, dict):
                    files.setdefault(file, {}).update(dict.fromkeys(flat(data)))
        names |= {(kind, file, name): None for file, some in files.items() for name in some}
    count = Counter([name for _, _, name in names])
    count.update(OWN_HEADERS)
    columns = [
        Column(kind, file, name, name if count[name] == 1 else f"{file}:{name}")
        for kind, file, name in names
    ]
    deps = sorted({path for snapshot in snapshots for path in snapshot.deps})
    return (*columns, *(Column(Kind.DEPS, path, "", path) for path in deps))


def _values(
    snapshot: Snapshot, places: Mapping[tuple[Kind, str, str], Column]
) -> dict[Column, Any]:
    found: dict[Column, Any] = {}
    for kind in (Kind.METRICS, Kind.PARAMS):
        for file, content in _of(snapshot, kind).items():
            data = content.get("data", {})
            for name, value in flat(data).items() if isinstance(data, dict) else ():
                found[places[kind, file, name]] = value
            if content.get("error"):
                found |= {c: ERROR for key, c in places.items() if key[:2] == (kind, file)}
    for path, dep in snapshot.deps.items():
        if dep.get("hash"):
            found[places[Kind.DEPS, path, ""]] = dep["hash"]
    return found


def _of(snapshot: Snapshot, kind: Kind) -> Mapping[str, Mapping[str, Any]]:
    return snapshot.metrics if kind is Kind.METRICS else snapshot.params


def flat(data: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots; an empty section is a value."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
