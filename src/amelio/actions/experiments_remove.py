"""Removing experiments: which ones, then all of them at once or none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from amelio.dvcio.experiment_states import (
    ExperimentRef,
    Scope,
    collect_states,
    delete_refs,
    experiment_refs,
)
from amelio.errors import InputError
from amelio.experiments.table import Row, Table, table_of
from amelio.experiments.tidy import Rubbish, rubbish

_NOTHING_ELSE = dict.fromkeys(("hide_queued", "hide_failed", "hide_workspace", "sha_only"), True)


_ONLY_DONE = Scope(hide_queued=True, hide_failed=True, hide_workspace=True, sha_only=True)


def find_rubbish(
    folder: Path, wanted: Rubbish, now: datetime, revs: Sequence[str] = (), num: int = 1
) -> tuple[Table, list[tuple[Row, ExperimentRef]]]:
    """The table of all experiments that have a result, and those of them that may go.

    revs, num: only those that start from these commits, or so many before them
    Raises InputError for what makes no sense.
    """
    if wanted.keep_top is not None and not wanted.metric:
        raise InputError("--keep-top N needs a metric: --keep-top 10 average_accuracy")
    refs = experiment_refs(folder)
    by_place = {(ref.baseline, ref.name): ref for ref in refs}
    bases = tuple(revs) or tuple(dict.fromkeys(ref.baseline for ref in refs))
    states = collect_states(folder, replace(_ONLY_DONE, revs=bases, num=num)) if bases else []
    table = table_of(states)
    rows = rubbish(table, wanted, now)
    found = [(row, by_place[row.baseline or "", row.label]) for row in rows]
    return table, found


def remove_experiments(folder: Path, refs: Sequence[ExperimentRef]) -> None:
    """Remove them all; none when one of them changed meanwhile."""
    delete_refs(folder, refs)
