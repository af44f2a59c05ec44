"""What differs between two experiments or commits: metrics, parameters, files in Git."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from amelio.dvcio.experiments.states import read_two
from amelio.dvcio.git.history import changed_files
from amelio.experiments.table import Column, Kind, Table, table_of

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Difference:
    """A metric or parameter on both sides; None where a side has none."""

    column: Column
    old: Any
    new: Any

    @property
    def is_one(self) -> bool:
        """Whether the sides differ."""
        return bool(self.old != self.new)

    @property
    def change(self) -> float | None:
        """The difference of two numbers."""
        sides = (self.old, self.new)
        if any(isinstance(side, bool) or not isinstance(side, int | float) for side in sides):
            return None
        return float(self.new - self.old)


@dataclass(frozen=True)
class ExperimentDiff:
    """old, new: the names as given

    code: changed files of Git that no stage makes, with what became of each
    """

    old: str
    new: str
    metrics: tuple[Difference, ...]
    params: tuple[Difference, ...]
    code: tuple[tuple[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not self.code and not any(row.is_one for row in (*self.metrics, *self.params))


def diff_experiments(
    folder: Path,
    old: str,
    new: str,
    *,
    everything: bool = False,
    only_deps: bool = False,
    metric: str | None = None,
) -> ExperimentDiff:
    """Compare `old` with `new`: experiments, branches, commits, or `workspace`.

    everything: also what is the same; only_deps: of the parameters, what stages depend on
    metric: `FILE:NAME` of one that is told where it is the same as well
    Raises InputError when there is no such experiment or commit.
    """
    states = read_two(folder, old, new, only_deps=only_deps)
    table = table_of(states)
    before, after = table.rows
    code = changed_files(folder, before.snapshot.commit, after.snapshot.commit)
    made = {
        PurePosixPath(path)
        for row in table.rows
        for path in (*row.snapshot.metrics, *row.snapshot.params, *row.snapshot.outs, "dvc.lock")
    }
    return ExperimentDiff(
        old,
        new,
        _differences(table, Kind.METRICS, everything, metric),
        _differences(table, Kind.PARAMS, everything),
        tuple((status, path) for status, path in code if not _is_in(PurePosixPath(path), made)),
    )


def _is_in(path: PurePosixPath, made: Collection[PurePosixPath]) -> bool:
    return any(place in made for place in (path, *path.parents))


def _differences(
    table: Table, kind: Kind, everything: bool, metric: str | None = None
) -> tuple[Difference, ...]:
    before, after = table.rows
    found = [
        Difference(column, before.values.get(column), after.values.get(column))
        for column in table.columns
        if column.kind is kind
    ]
    return tuple(
        each
        for each in found
        if everything or each.is_one or f"{each.column.file}:{each.column.name}" == metric
    )
