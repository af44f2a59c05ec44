"""Removing experiments: which ones, then all of them at once or none."""

import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from amelio.dvcio.experiments.states import (
    ExperimentRef,
    Scope,
    collect_states,
    delete_refs,
    experiment_refs,
)
from amelio.errors import InputError
from amelio.experiments.entry import Experiment, Status
from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from amelio.experiments.run_facts import (
    EXECUTOR,
    QueueFacts,
    queue_facts,
    run_facts,
    with_queue,
)
from amelio.experiments.table import Row, Table, table_of
from amelio.experiments.tidy import Rubbish, rubbish

_ONLY_DONE = Scope(hide_queued=True, hide_failed=True, hide_workspace=True, sha_only=True)
_WITHOUT_RESULT = (Status.FAILED, Status.STOPPED)


@dataclass(frozen=True)
class Found:
    """What may go.

    table: all that it was chosen from
    rows: of the table; refs: those that have a result; entries: ids in amelio's queue
    """

    table: Table
    rows: tuple[Row, ...] = ()
    refs: tuple[ExperimentRef, ...] = ()
    entries: tuple[int, ...] = ()


def find_rubbish(
    folder: Path, wanted: Rubbish, now: datetime, revs: Sequence[str] = (), num: int = 1
) -> Found:
    """Those of all experiments with a result, or failed or stopped in amelio's queue, that may go;
    what waits there goes by its name or a pattern only.

    revs, num: choose only those that start from these commits, or so many before them
    Raises InputError for what makes no sense, and for the name of one that runs.
    """
    if wanted.keep_top is not None and not wanted.metric:
        raise InputError("--keep-top N needs a metric: --keep-top 10 average_accuracy")
    refs = experiment_refs(folder)
    facts = queue_facts(folder)
    statuses = set(_WITHOUT_RESULT)
    if wanted.is_by_name:
        _refuse_running(entry for entry in facts.entries if entry.name in wanted.names)
        statuses.add(Status.QUEUED)
    table = _table(folder, refs, facts, statuses, revs, num)
    rows = rubbish(table, wanted, now)
    if wanted.is_inverted:
        kept = {_key(row) for row in rows}
        table = _table(folder, refs, facts, statuses) if revs else table
        rows = tuple(row for row in table.experiments if _key(row) not in kept)
    by_place = {(ref.baseline, ref.name): ref for ref in refs}
    chosen = [by_place[row.baseline or "", row.label] for row in rows if row.executor != EXECUTOR]
    gone = {ref.commit for ref in chosen}
    by_name = [row for row in rows if wanted.is_by_name or row.executor == EXECUTOR]
    names = {(row.baseline, row.label) for row in by_name}
    entries = [
        entry.id
        for entry in facts.entries
        if (entry.status in statuses and (entry.order.baseline, entry.name) in names)
        or (entry.status is Status.DONE and entry.commit in gone)
    ]
    return Found(table, rows, tuple(chosen), tuple(entries))


def _table(
    folder: Path,
    refs: Sequence[ExperimentRef],
    facts: QueueFacts,
    statuses: Collection[Status],
    revs: Sequence[str] = (),
    num: int = 1,
) -> Table:
    """Those of all commits, or of `revs`."""
    queued = [entry for entry in facts.entries if entry.status in statuses]
    known = [*(ref.baseline for ref in refs), *(entry.order.baseline for entry in queued)]
    bases = tuple(revs) or tuple(dict.fromkeys(known))
    states = collect_states(folder, replace(_ONLY_DONE, revs=bases, num=num)) if bases else []
    states = with_queue(folder, states, facts, statuses)
    return table_of(states, run_facts(facts.entries))


def _key(row: Row) -> tuple[str | None, str, str]:
    return row.baseline, row.label, row.executor


def remove_experiments(folder: Path, found: Found) -> None:
    """Remove them all; none when one of them changed meanwhile."""
    if found.refs:
        delete_refs(folder, found.refs)
    forget(folder, found.entries)


def find_in_queue(
    folder: Path, names: Collection[str], *, waiting: bool
) -> tuple[list[Experiment], list[str]]:
    """What amelio's queue has of `names` without a result, and of all that waits if `waiting`; and
    the names that are DVC's to remove: of results, of its own queue, or of nothing at all.

    Raises InputError for an experiment that runs.
    """
    entries = [entry for entry in queue_facts(folder).entries if entry.status is not Status.DONE]
    found = [entry for entry in entries if entry.name in names]
    _refuse_running(found)
    known = {entry.name for entry in found} - {ref.name for ref in experiment_refs(folder)}
    if waiting:
        found += [entry for entry in entries if entry.status is Status.QUEUED]
    return found, [name for name in names if name not in known]


def _refuse_running(entries: Iterable[Experiment]) -> None:
    running = sorted(entry.name for entry in entries if entry.status is Status.RUNNING)
    if running:
        raise InputError(
            f"{', '.join(running)}: still running",
            hint=f"`amelio exp stop {' '.join(running)}`, then remove",
        )


def forget(folder: Path, ids: Collection[int]) -> None:
    """Drop these entries of amelio's queue, and their logs."""
    if not ids:
        return
    home = find_home(folder)
    queue = Queue(home.queue)
    queue.forget(ids)
    queue.close()
    for number in ids:
        shutil.rmtree(home.logs / str(number), ignore_errors=True)


def forget_without_result(folder: Path, names: Collection[str]) -> None:
    """Drop the entries of results that are gone."""
    commits = {ref.commit for ref in experiment_refs(folder)}
    done = [e for e in queue_facts(folder).entries if e.status is Status.DONE and e.name in names]
    forget(folder, [entry.id for entry in done if entry.commit not in commits])
