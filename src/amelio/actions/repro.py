"""Run what must run."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from amelio.engine import recover as recovery
from amelio.engine import settings as project
from amelio.engine.attempts import Attempts
from amelio.engine.conditions import Conditions
from amelio.engine.events import Event, EventKind, Listener
from amelio.engine.executor import LocalExecutor
from amelio.engine.interrupts import Interrupts
from amelio.engine.journal import Journal
from amelio.engine.locks import held
from amelio.engine.loop import Runner, Setup
from amelio.engine.schedule import Schedule
from amelio.errors import AmelioError, InputError
from amelio.insight import records
from amelio.model import Outcome, Policy, RunResult, Selection, Workspace

RUN_PATIENCE_S = 600.0
BUSY_WORK_FOLDER = Path(".dvc", "tmp", "amelio")


@dataclass(frozen=True)
class ReproOptions:
    """All that a run may be told.

    jobs: None takes `core.jobs` of `amelio.yaml`
    confirm: asked before every stage
    patience_s: how long to wait for another amelio run
    state_folder: where journal, records and attic live; None for the usual place
    """

    selection: Selection = field(default_factory=Selection)
    policy: Policy = field(default_factory=Policy)
    jobs: int | None = None
    confirm: Callable[[str], bool] | None = None
    patience_s: float = RUN_PATIENCE_S
    state_folder: Path | None = None


@dataclass(frozen=True)
class ReproResult:
    """How a run went.

    interrupted: the signal that ended it, 0 for none
    trouble: what went wrong with the repository rather than with a stage
    errors: what was raised for single stages, by id
    """

    run: RunResult
    folder: Path
    interrupted: int = 0
    trouble: AmelioError | None = None
    errors: Mapping[str, AmelioError] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, 1 when a stage failed, 4 for trouble, 128 + signal after an interruption."""
        if self.interrupted:
            return 128 + self.interrupted
        if self.trouble:
            return self.trouble.exit_code
        return 1 if self.run.with_outcome(Outcome.FAILED) else 0


def repro(workspace: Workspace, options: ReproOptions, listener: Listener = lambda event: None) -> ReproResult:
    """Run what must run in `workspace`, in parallel, recorded as DVC records it.

    Raises InputError for what is wrong before anything runs.
    """
    state = options.state_folder or workspace.root / BUSY_WORK_FOLDER
    settings = project.load_project(workspace.root)
    jobs = options.jobs if options.jobs is not None else settings.jobs
    if jobs < 1:
        raise InputError(f"--jobs: expected at least 1, got {jobs}")
    if options.confirm:
        jobs = 1

    def waiting(holder: str) -> None:
        message = f"waiting for another amelio run (process {holder}) in this repository"
        listener(Event(EventKind.WAITING, time.time(), message=message))

    with held(state / "run.lock", options.patience_s, waiting):
        return _run(workspace, options, settings, jobs, state, listener)


def _run(
    workspace: Workspace,
    options: ReproOptions,
    settings: project.ProjectSettings,
    jobs: int,
    state: Path,
    listener: Listener,
) -> ReproResult:
    started = time.time()
    run_id = _new_run_id(started)
    runs = state / "runs"
    folder = runs / run_id
    folder.mkdir(parents=True)
    journal = Journal(state / "journal")
    attempts = Attempts(journal, folder)
    interrupts = Interrupts()
    with interrupts.caught(), workspace.session():
        finished = recovery.recover(journal, attempts, state / "locks")
        (state / "locks").mkdir(exist_ok=True)
        with workspace.locked():
            stages = workspace.plan(options.selection)
        stage_settings = {s.id: project.parse_stage(s.settings, s.name, s.place) for s in stages}
        expected_s = records.expected_seconds(runs)
        totals = project.machine_totals(settings)
        schedule = Schedule(
            stages, stage_settings, jobs, totals, project.gpu_ids(totals["gpu"]), expected_s
        )
        setup = Setup(
            stages=stages,
            settings=stage_settings,
            policy=options.policy,
            folder=folder,
            state_folder=state,
            expected_s=expected_s,
            finished=finished,
            confirm=options.confirm,
        )
        listener(Event(EventKind.PLANNED, time.time(), n_stages=len(stages)))
        runner = Runner(
            workspace, setup, schedule, attempts, LocalExecutor, Conditions(), interrupts, listener
        )
        results = runner.run()
    run = RunResult(
        run=run_id,
        started=started,
        ended=time.time(),
        jobs=jobs,
        stages=tuple(results),
        selection=options.selection,
    )
    records.save(folder, run)
    spared = {attempt.attempt.partition("/")[0] for attempt in journal.open_attempts()}
    records.prune(runs, settings.keep_runs, settings.keep_bytes, spared)
    return ReproResult(run, folder, interrupts.number, runner.trouble, runner.errors)


def _new_run_id(now: float) -> str:
    """Sorts by time; unique among the processes of a machine."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now % 1 * 1e6):06}-{os.getpid()}"


__all__ = ["ReproOptions", "ReproResult", "repro"]
