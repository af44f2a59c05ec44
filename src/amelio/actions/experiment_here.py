"""Run one experiment in the workspace, as `dvc exp run` does; HEAD and index stay as they are."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from amelio.actions.experiment_queue import Wanted, choose, name_them
from amelio.actions.experiment_run import commit_result, numbers
from amelio.actions.repro import STATE_FOLDER, ReproOptions, ReproResult, repro
from amelio.dvcio.experiments import refs, starting_point
from amelio.dvcio.experiments.project import opened
from amelio.dvcio.experiments.worktree_data import bring_missing_data
from amelio.engine.events import Listener
from amelio.errors import InputError
from amelio.experiments.entry import Order
from amelio.experiments.home import Home, put_in_order
from amelio.experiments.queue import Queue


@dataclass(frozen=True)
class HereResult:
    """commit: the experiment's; None when a stage failed."""

    name: str
    run: ReproResult
    commit: str | None


def run_here(
    home: Home,
    wanted: Wanted,
    jobs: int | None,
    listener: Listener,
    confirm: Callable[[str], bool] | None = None,
) -> HereResult:
    """Set the parameters, run what must run, and keep the result as an experiment.

    The workspace then has the result, as after `dvc exp run`. Raises InputError before anything
    is changed.
    """
    put_in_order(home)
    place = starting_point.find_place(Path.cwd())
    with opened(home.root) as repository:
        chosen = choose(repository, wanted)
        if len(chosen) > 1:
            raise InputError(f"{len(chosen)} experiments cannot run in one workspace")
        order = Order(
            name=name_them(repository, place, wanted, 1)[0],
            baseline=place.head,
            snapshot=place.head,
            overrides=chosen[0],
            message=wanted.message,
        )
        repository.set_values(order.overrides, no_hydra=wanted.no_hydra)
        workspace = repository.workspace(order.name, order.baseline, home.root)
        plan = workspace.plan(wanted.selection)
        bring_missing_data([workspace.dvc_stage(stage.id) for stage in plan])
        options = ReproOptions(wanted.selection, wanted.policy, jobs, confirm)
        result = repro(workspace, options, listener)
        if result.exit_code:
            return HereResult(order.name, result, None)
        with _index_copy(place) as index:
            made = commit_result(repository, workspace, result, order, index)
        metrics = numbers(workspace)
    refs.publish(place.top, order.baseline, order.name, made, force=wanted.policy.force)
    queue = Queue(home.queue)
    run = result.run
    logs = home.root / STATE_FOLDER / "runs" / run.run
    queue.add_done(order, made, (run.started, run.ended), [logs], metrics)
    queue.close()
    return HereResult(order.name, result, made)


@contextmanager
def _index_copy(place: starting_point.Place) -> Iterator[Path]:
    """So that the user's own stays as it is."""
    with tempfile.TemporaryDirectory(prefix="amelio-index-") as folder:
        index = Path(folder) / "index"
        if place.index.exists():
            shutil.copyfile(place.index, index)
        yield index
