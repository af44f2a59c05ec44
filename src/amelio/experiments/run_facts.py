"""What the queue knows of experiments: durations, what waits or runs, why one failed."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from amelio.dvcio.experiments.overrides import with_values
from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState, Scope, read_commits
from amelio.errors import EnvironmentFailedError
from amelio.experiments.entry import Experiment, Order, Status
from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from amelio.experiments.table import RunFacts
from amelio.redaction import one_line

EXECUTOR = "amelio"


@dataclass(frozen=True)
class QueueFacts:
    """All that amelio ran in the last month, oldest first.

    project: the DVC repository, relative to the top of the Git repository
    trouble: why the queue could not be read
    """

    entries: tuple[Experiment, ...] = ()
    project: Path = Path()
    trouble: str = ""


def queue_facts(folder: Path) -> QueueFacts:
    """What the queue has; nothing, and why, where it is damaged or another version's."""
    home = find_home(folder)
    if not home.queue.exists():
        return QueueFacts()
    try:
        queue = Queue(home.queue)
        found = queue.all()
        queue.close()
    except EnvironmentFailedError as error:
        return QueueFacts(trouble=str(error))
    return QueueFacts(tuple(found), home.project)


def run_facts(entries: Sequence[Experiment]) -> dict[str, RunFacts]:
    """How long experiments ran and the last line of why they failed; by commit, else by name."""
    found = {}
    for entry in entries:
        seconds = entry.ended - entry.started if entry.ended and entry.started else None
        words = [line for line in entry.message.splitlines() if line.strip()]
        found[entry.commit or entry.name] = RunFacts(seconds, one_line(words[-1]) if words else "")
    return found


def shown_statuses(scope: Scope) -> set[Status]:
    """What a table shows of the queue beside results."""
    hidden = {Status.QUEUED} if scope.hide_queued else set()
    hidden |= {Status.FAILED} if scope.hide_failed else set()
    return {Status.RUNNING, Status.QUEUED, Status.FAILED} - hidden


def with_queue(
    folder: Path, states: Sequence[BaselineState], facts: QueueFacts, shown: Collection[Status]
) -> list[BaselineState]:
    """`states` with what the queue has in one of the statuses `shown`, each in its latest try and
    with the parameters that it sets.
    """
    latest = {(entry.order.baseline, entry.name): entry for entry in facts.entries}
    bases = {base.snapshot.commit for base in states}
    entries = [e for (base, _), e in latest.items() if base in bases and e.status in shown]
    starts = read_commits(folder, {e.order.snapshot for e in entries}) if entries else {}
    return [_joined(base, entries, facts.project, starts) for base in states]


def _joined(
    base: BaselineState,
    entries: Sequence[Experiment],
    project: Path,
    starts: Mapping[str, Snapshot],
) -> BaselineState:
    running: list[ExperimentState] = []
    others: list[ExperimentState] = []
    for entry in entries:
        if entry.order.baseline == base.snapshot.commit:
            state = _state(entry, _params(entry.order, project, starts))
            (running if entry.status is Status.RUNNING else others).append(state)
    return replace(base, experiments=(*running, *base.experiments, *others))


def _state(entry: Experiment, params: Mapping[str, Mapping[str, Any]]) -> ExperimentState:
    queued = datetime.fromtimestamp(int(entry.queued))
    snapshot = Snapshot(entry.order.snapshot, queued, params)
    executor = {"state": str(entry.status), "name": EXECUTOR, "local": None}
    return ExperimentState(entry.name, (snapshot,), executor)


def _params(
    order: Order, project: Path, starts: Mapping[str, Snapshot]
) -> Mapping[str, Mapping[str, Any]]:
    """The parameters that it starts from, with those that it sets."""
    start = starts.get(order.snapshot)
    params = dict(start.params) if start else {}
    for path, values in order.overrides.items():
        name = Path(os.path.relpath(Path(order.folder, path), project)).as_posix()
        data = params.get(name, {}).get("data")
        if isinstance(data, dict):
            params[name] = {"data": with_values(data, values)}
    return params
