"""What the queue knows of experiments: durations, what waits or runs, why one failed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from amelio.dvcio.experiment_states import BaselineState, ExperimentState, Scope
from amelio.dvcio.snapshots import Snapshot
from amelio.experiments.entry import Experiment, Status
from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from amelio.experiments.table import RunFacts
from amelio.redaction import one_line

EXECUTOR = "amelio"


def queue_entries(folder: Path) -> list[Experiment]:
    """All that amelio ran in the last month, oldest first."""
    home = find_home(folder)
    if not home.queue.exists():
        return []
    queue = Queue(home.queue)
    found = queue.all()
    queue.close()
    return found


def run_facts(entries: Sequence[Experiment]) -> dict[str, RunFacts]:
    """How long experiments ran and the last line of why they failed; by commit, else by name."""
    found = {}
    for entry in entries:
        seconds = entry.ended - entry.started if entry.ended and entry.started else None
        words = [line for line in entry.message.splitlines() if line.strip()]
        found[entry.commit or entry.name] = RunFacts(seconds, one_line(words[-1]) if words else "")
    return found


def with_queue(
    states: Sequence[BaselineState], entries: Sequence[Experiment], scope: Scope
) -> list[BaselineState]:
    """`states` with what runs, waits and has failed in amelio's queue, each in its latest try."""
    hidden = {Status.DONE, Status.STOPPED}
    hidden |= {Status.QUEUED} if scope.hide_queued else set()
    hidden |= {Status.FAILED} if scope.hide_failed else set()
    latest = {(entry.order.baseline, entry.name): entry for entry in entries}
    shown = [entry for entry in latest.values() if entry.status not in hidden]
    return [_joined(base, shown) for base in states]


def _joined(base: BaselineState, shown: Sequence[Experiment]) -> BaselineState:
    of_base = [entry for entry in shown if entry.order.baseline == base.snapshot.commit]
    running = [_state(entry) for entry in of_base if entry.status is Status.RUNNING]
    others = [_state(entry) for entry in of_base if entry.status is not Status.RUNNING]
    return replace(base, experiments=(*running, *base.experiments, *others))


def _state(entry: Experiment) -> ExperimentState:
    snapshot = Snapshot(entry.order.snapshot, datetime.fromtimestamp(int(entry.queued)))
    executor = {"state": str(entry.status), "name": EXECUTOR, "local": None}
    return ExperimentState(entry.name, (snapshot,), executor)
