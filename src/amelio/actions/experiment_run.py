"""Run one experiment in a worktree, and keep the result as DVC's experiment."""

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from amelio.actions.repro import (
    STATE_FOLDER,
    ForecastResult,
    ReproOptions,
    ReproResult,
    explain,
    repro,
)
from amelio.dvcio.experiments import refs
from amelio.dvcio.experiments.project import ExperimentProject, opened
from amelio.dvcio.experiments.worktree_data import cached_outputs, check_out, copy_in
from amelio.dvcio.workspace import DvcWorkspace
from amelio.engine import settings as project
from amelio.engine.events import Event, EventKind, Listener
from amelio.engine.executor import KeptExecutor
from amelio.engine.neighbours import Neighbours
from amelio.errors import InputError
from amelio.experiments.entry import WAITS, Experiment, Order, Status
from amelio.experiments.home import Home
from amelio.experiments.queue import Queue
from amelio.experiments.worker import Ending
from amelio.experiments.worktrees import Worktree
from amelio.model import Outcome

SETTLED = (Outcome.RAN, Outcome.RESTORED, Outcome.PULLED)
LOST = (Outcome.FAILED, Outcome.NOT_REACHED)
MAX_METRICS = 1000


class ExperimentRunner:
    """Runs experiments one after the other in this process.

    config: what a worktree gets as `.dvc/config.local`
    jobs: stages at a time, of all experiments together
    """

    def __init__(self, home: Home, config: bytes, jobs: int) -> None:
        self._home = home
        self._config = config
        self._jobs = jobs
        self._executor = KeptExecutor()

    def __call__(
        self,
        experiment: Experiment,
        worktree: Worktree,
        queue: Queue,
        is_to_end: Callable[[], bool],
    ) -> Ending:
        """Raises AmelioError for what keeps the experiment from running."""
        if experiment.commit:  # a crash came between its end and its ref
            return self._publish(experiment, experiment.commit)
        order = experiment.order
        root = worktree.tree / self._home.project
        set_up(worktree, root, order, self._home, self._config)
        if is_to_end():
            return Ending(Status.QUEUED)
        with opened(root) as repository:
            repository.set_values(order.overrides, no_hydra=order.no_hydra)
            workspace = repository.workspace(order.name, order.baseline, self._home.root)
            stages = [workspace.dvc_stage(s.id) for s in workspace.plan(order.selection)]
            check_out(stages)
            queue.note(experiment, metric_files=_times(workspace))
            result = self._repro(workspace, experiment, worktree, queue)
            worktree.keep(cached_outputs(stages, worktree.tree))
            if result.interrupted:
                return Ending(Status.QUEUED)
            lost = {stage.stage for stage in result.run.with_outcome(*LOST)}
            queue.note(experiment, stage="", metrics=numbers(workspace, lost))
            if result.exit_code:
                return Ending(Status.FAILED, why_failed(result))
            made = commit_result(repository, workspace, result, order)
        if not queue.note(experiment, commit=made):
            return Ending(Status.QUEUED)
        return self._publish(experiment, made)

    def _repro(
        self, workspace: DvcWorkspace, experiment: Experiment, worktree: Worktree, queue: Queue
    ) -> ReproResult:
        order = experiment.order
        settings = project.load_project(workspace.root)
        totals = project.machine_totals(settings)
        state = self._home.logs / str(experiment.id) / f"{experiment.tries}"
        worktree.used_with(state)
        options = ReproOptions(
            selection=order.selection,
            policy=order.policy,
            jobs=self._jobs,
            state_folder=state,
            neighbours=Neighbours(
                self._home.shared,
                experiment.id,
                self._jobs,
                totals,
                project.gpu_ids(totals["gpu"]),
            ),
            executor=self._executor,
        )

        queue.note(experiment, logs=[*experiment.logs, state])
        return repro(workspace, options, noting(queue, experiment))

    def _publish(self, experiment: Experiment, made: str) -> Ending:
        order = experiment.order
        refs.publish(self._home.top, order.baseline, order.name, made, force=order.policy.force)
        return Ending(Status.DONE)


def noting(queue: Queue, experiment: Experiment) -> Listener:
    """Writes down what runs, or what is waited for; the experiment starts with its first stage, as
    what it waited before is no duration of its own.
    """
    told = ""
    has_begun = False

    def listen(event: Event) -> None:
        nonlocal told, has_begun
        facts: dict[str, Any] = {}
        if event.kind is EventKind.STARTED and not has_begun:
            has_begun = True
            facts["started"] = event.time
        if event.kind in (EventKind.STARTED, EventKind.WAITING):
            is_waiting = event.kind is EventKind.WAITING
            now = f"{event.stage}{WAITS}{event.message}" if is_waiting else event.stage
            if now != told:
                facts["stage"] = told = now
        if facts:
            queue.note(experiment, **facts)

    return listen


def forecast(
    home: Home, worktree: Worktree, order: Order, config: bytes, jobs: int
) -> ForecastResult:
    """What the experiment would do, looked up in `worktree`. Changes the working directory."""
    root = worktree.tree / home.project
    set_up(worktree, root, order, home, config)
    with opened(root) as repository:
        repository.set_values(order.overrides, no_hydra=order.no_hydra)
        workspace = repository.workspace(order.name, order.baseline, home.root)
        check_out([workspace.dvc_stage(s.id) for s in workspace.plan(order.selection)])
        options = ReproOptions(
            order.selection, order.policy, jobs, state_folder=home.root / STATE_FOLDER
        )
        return explain(workspace, options)


def set_up(worktree: Worktree, root: Path, order: Order, home: Home, config: bytes) -> None:
    """Make the worktree what the experiment starts from; the working directory is then in it."""
    if worktree.set_to(order.snapshot, order.baseline):
        local = root / ".dvc" / "config.local"
        local.parent.mkdir(parents=True, exist_ok=True)
        local.touch(mode=0o600)  # it may have credentials
        local.write_bytes(config)
    copy_in(order.copies, home.root, root)
    folder = worktree.tree / order.folder
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)


def commit_result(
    repository: ExperimentProject,
    workspace: DvcWorkspace,
    result: ReproResult,
    order: Order,
    index: Path | None = None,
) -> str:
    """The result on top of its baseline, as DVC makes it; no branch moves. Returns the commit.

    index: a copy of the worktree's index to be used instead of it
    """
    here = Path.cwd()
    ran = [stage.stage for stage in result.run.with_outcome(*SETTLED)]
    params = [str(here / path) for path in order.overrides]
    refs.add([*repository.result_files(workspace, ran), *params], here, index)
    made = refs.hash_of([workspace.dvc_stage(stage) for stage in ran])
    message = order.message or f"dvc: commit experiment {made}"
    return refs.commit(here, order.baseline, message, index)


def numbers(workspace: DvcWorkspace, lost: Collection[str] = ()) -> dict[str, float]:
    """The numbers in all metrics files, by `file:name`, at most MAX_METRICS.

    lost: stages that have no result; their files are from before
    """
    found: dict[str, float] = {}
    for path, stage in workspace.metric_files().items():
        if stage in lost:
            continue
        with suppress(InputError):  # of a file that cannot be read, other commands tell
            for name, value in leaves(workspace.read_metric(path)):
                if len(found) < MAX_METRICS:
                    found[f"{path}:{name}"] = value
    return found


def _times(workspace: DvcWorkspace) -> dict[str, int]:
    """When the metrics files that are there were written, 0 for others; by full path."""
    files = [workspace.root / path for path in workspace.metric_files()]
    return {str(path): path.stat().st_mtime_ns if path.exists() else 0 for path in files}


def leaves(value: Any, name: str = "") -> list[tuple[str, float]]:
    """The numbers in a metrics file's content, by their dotted names."""
    if isinstance(value, Mapping):
        return [
            leaf for key, v in value.items() for leaf in leaves(v, f"{name}.{key}" if name else key)
        ]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return [(name, float(value))] if is_number else []


def why_failed(result: ReproResult) -> str:
    """Why stages failed, each followed by the last line that it printed."""
    if result.trouble:
        return str(result.trouble)
    lines = []
    for stage in result.run.with_outcome(Outcome.FAILED):
        lines.append(f"{stage.name}: {stage.message}")
        if stage.log and (last := last_line(stage.log)):
            lines.append(f"{stage.name}: {last}")
    return "\n".join(lines)


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
