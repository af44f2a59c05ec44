"""Run what must run, or say what would."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from amelio import disk
from amelio.engine import instant
from amelio.engine import recover as recovery
from amelio.engine import settings as project
from amelio.engine.attempts import Attempts
from amelio.engine.conditions import Conditions
from amelio.engine.events import Event, EventKind, Listener, unheard
from amelio.engine.executor import JOURNAL, LOCKS, KeptExecutor, LocalExecutor
from amelio.engine.forecast import Forecast, expected_total_s, forecast
from amelio.engine.interrupts import Interrupts
from amelio.engine.journal import Journal
from amelio.engine.locks import held
from amelio.engine.loop import Runner
from amelio.engine.neighbours import Neighbours
from amelio.engine.schedule import Schedule
from amelio.engine.setup import Setup
from amelio.errors import AmelioError, EnvironmentFailedError, InputError
from amelio.insight import records
from amelio.model import BusyError, Outcome, Policy, RunResult, Selection, Stage, Workspace

RUN_PATIENCE_S = 600.0
READING_TRIES = 3
STATE_FOLDER = instant.STATE_FOLDER
RUN_LOCK = "run.lock"
UP_TO_DATE = "Data and pipelines are up to date."


@dataclass(frozen=True)
class ReproOptions:
    """All that a run may be told.

    jobs: None takes `core.jobs` of `amelio.yaml`
    confirm: asked before every stage
    patience_s: how long to wait for another amelio run
    state_folder: where journal, records and attic live; None for the usual place
    neighbours: runs of other worktrees at the same time, with which this one shares
    executor: to be used again by the next run of this process; None for one of its own
    """

    selection: Selection = field(default_factory=Selection)
    policy: Policy = field(default_factory=Policy)
    jobs: int | None = None
    confirm: Callable[[str], bool] | None = None
    patience_s: float = RUN_PATIENCE_S
    state_folder: Path | None = None
    neighbours: Neighbours | None = None
    executor: KeptExecutor | None = None


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
        """0, 128 + signal after an interruption, 4 for trouble, else the failed stages': 1, or 2 or
        4 where all failed for that.
        """
        if self.interrupted:
            return 128 + self.interrupted
        if self.trouble:
            return self.trouble.exit_code
        failed = self.run.with_outcome(Outcome.FAILED)
        if not failed:
            return 0
        errors = [self.errors.get(stage.stage) for stage in failed]
        codes = {error.exit_code if error else 1 for error in errors}
        return codes.pop() if len(codes) == 1 else 1


@dataclass(frozen=True)
class ForecastResult:
    """What a run would do, in serial order, and how long it would take (0: nothing is known)."""

    stages: tuple[Forecast, ...]
    total_s: float
    jobs: int


@dataclass(frozen=True)
class _Plan:
    stages: Sequence[Stage]
    settings: Mapping[str, project.StageSettings]
    conditions: Conditions
    expected_s: Mapping[str, float]
    schedule: Schedule


def repro(workspace: Workspace, options: ReproOptions, listener: Listener = unheard) -> ReproResult:
    """Run what must run in `workspace`, in parallel, recorded as DVC records it.

    Raises InputError for what is wrong before anything runs.
    """
    state = _state_folder(workspace, options)
    settings = project.load_project(workspace.root)
    jobs = jobs_of(options, settings)

    def waiting(holder: str) -> None:
        message = f"waiting for another amelio run (process {holder}) in this repository"
        listener(Event(EventKind.WAITING, time.time(), message=message))

    try:
        with held(state / RUN_LOCK, options.patience_s, waiting):
            return _run(workspace, options, settings, jobs, state, listener)
    except OSError as error:
        raise EnvironmentFailedError(disk.told(error)) from error


def explain(workspace: Workspace, options: ReproOptions) -> ForecastResult:
    """What `repro` would do, and why. Runs nothing, and writes nothing in a repository that was
    opened for that.
    """
    settings = project.load_project(workspace.root)
    jobs = jobs_of(options, settings)
    with workspace.session(is_dry=True):
        for _ in range(READING_TRIES - 1):
            with suppress(BusyError):  # another program wrote what was read
                return _explain(workspace, options, settings, jobs)
        return _explain(workspace, options, settings, jobs)


def _explain(
    workspace: Workspace, options: ReproOptions, settings: project.ProjectSettings, jobs: int
) -> ForecastResult:
    journal = Journal(_state_folder(workspace, options) / JOURNAL)
    with workspace.locked():
        plan = _plan(workspace, options, settings, jobs, journal)
        found = forecast(
            workspace,
            plan.stages,
            options.policy,
            plan.conditions,
            plan.expected_s,
            allow_unsafe_params=settings.allow_unsafe_params,
        )
    return ForecastResult(tuple(found), expected_total_s(found, plan.schedule), jobs)


def jobs_of(options: ReproOptions, settings: project.ProjectSettings) -> int:
    """Stages at a time: as told, else `core.jobs`; one when every stage is asked for."""
    jobs = options.jobs if options.jobs is not None else settings.jobs
    if jobs < 1:
        raise InputError(f"--jobs: expected at least 1, got {jobs}")
    return 1 if options.confirm else jobs


def _state_folder(workspace: Workspace, options: ReproOptions) -> Path:
    return options.state_folder or workspace.root / STATE_FOLDER


def _plan(
    workspace: Workspace,
    options: ReproOptions,
    settings: project.ProjectSettings,
    jobs: int,
    journal: Journal,
) -> _Plan:
    stages = workspace.plan(options.selection)
    of_stages = {s.id: project.parse_stage(s.settings, s.name, s.place) for s in stages}
    expected_s = records.expected_seconds(_state_folder(workspace, options))
    totals = project.machine_totals(settings)
    probes = {(key, e["signature"]): e["value"] for key, e in journal.probes().items()}
    return _Plan(
        stages=stages,
        settings=of_stages,
        conditions=Conditions(workspace, stages, of_stages, settings.env, probes),
        expected_s=expected_s,
        schedule=Schedule(
            stages,
            of_stages,
            jobs,
            totals,
            project.gpu_ids(totals["gpu"]),
            expected_s,
            options.neighbours,
        ),
    )


def _run(
    workspace: Workspace,
    options: ReproOptions,
    settings: project.ProjectSettings,
    jobs: int,
    state: Path,
    listener: Listener,
) -> ReproResult:
    started = time.time()
    folder = state / "runs" / _new_run_id(started)
    folder.mkdir(parents=True)
    (state / LOCKS).mkdir(exist_ok=True)
    journal = Journal(state / JOURNAL)
    attempts = Attempts(journal, folder)
    instant.forget(state)
    with workspace.session(), _guards(state, options.executor) as executor:
        if journal.open_attempts():
            workspace.sweep(started)
        finished = recovery.recover(journal, attempts, state / LOCKS)
        with workspace.locked():
            plan = _plan(workspace, options, settings, jobs, journal)
        setup = Setup(
            workspace=workspace,
            stages=plan.stages,
            settings=plan.settings,
            policy=options.policy,
            schedule=plan.schedule,
            attempts=attempts,
            conditions=plan.conditions,
            executor=executor,
            expected_s=plan.expected_s,
            finished=finished,
            confirm=options.confirm,
            neighbours=options.neighbours,
            allow_unsafe_params=settings.allow_unsafe_params,
        )
        listener(Event(EventKind.PLANNED, time.time(), n_stages=len(plan.stages)))
        interrupts = Interrupts()
        runner = Runner(setup, interrupts, listener)
        with interrupts.caught():
            runner.run()
        watched = workspace.watched() if _is_idle(runner, plan, options.policy) else None
        stages = plan.stages if watched else ()
        seen = [path for stage in stages for path in plan.conditions.seen_by_probe(stage)]
    run = RunResult(
        run=folder.name,
        started=started,
        ended=time.time(),
        jobs=jobs,
        stages=tuple(runner.books.results()),
        revision=workspace.revision(),
        selection=options.selection,
    )
    is_idle = all(s.outcome in (Outcome.UP_TO_DATE, Outcome.SKIPPED) for s in run.stages)
    records.remember_seconds(state, run)
    if is_idle and not any(folder.iterdir()):
        folder.rmdir()  # nothing happened: not worth the place of a record that tells something
    else:
        records.save(folder, run, dict(workspace.run_parameters()))
    spared = {attempt.attempt.partition("/")[0] for attempt in journal.open_attempts()}
    records.prune(folder.parent, settings.keep_runs, settings.keep_bytes, spared)
    if watched and not interrupts.number:
        marks = dict(watched.known)
        marks |= {path: instant.mark(path) for path in (*watched.files, *seen)}
        marks |= {p: instant.mark(p) for p in map(instant.entries_of, watched.folders)}
        instant.save(state, _instant_key(options), marks, idle_lines(run))
    return ReproResult(run, folder, interrupts.number, runner.trouble, runner.books.errors)


@contextmanager
def _guards(state: Path, kept: KeptExecutor | None) -> Iterator[LocalExecutor]:
    """The guards' parent, started before the plan is made: it takes 30 ms to be ready, on another
    core.
    """
    executor = kept.open(state) if kept else LocalExecutor(state)
    try:
        yield executor
    finally:
        (kept.leave if kept else LocalExecutor.close)(executor)


def idle_lines(run: RunResult) -> list[str]:
    """What to say when there was, and is, nothing to do."""
    skipped = run.with_outcome(Outcome.SKIPPED)
    return [*(f"{s.name} skipped: {s.message}" for s in skipped), UP_TO_DATE]


def _is_idle(runner: Runner, plan: _Plan, policy: Policy) -> bool:
    """Whether the next run would find nothing to do, as far as files decide that."""
    if policy.no_commit:  # what the cache lacks is a reason to run
        return False
    conditions = [settings.when for settings in plan.settings.values() if settings.when]
    if any("env" in text or "exists" in text for text in conditions):
        return False
    results = runner.books.results()
    lasting = {Outcome.RAN, Outcome.RESTORED, Outcome.UP_TO_DATE, Outcome.SKIPPED}
    if any(s.outcome is Outcome.SKIPPED and plan.settings[s.stage].probe for s in results):
        lasting -= {Outcome.RAN, Outcome.RESTORED}  # what was made since may get another answer
    return not runner.trouble and all(s.outcome in lasting for s in results)


def _instant_key(options: ReproOptions) -> list[str]:
    selection = options.selection
    flags = {
        "s": selection.single_item, "p": selection.pipeline, "P": selection.all_pipelines,
        "R": selection.recursive, "downstream": selection.downstream, "glob": selection.glob,
        "allow-missing": options.policy.allow_missing,
    }  # fmt: skip
    return instant.key([flag for flag, is_on in flags.items() if is_on], selection.targets)


def _new_run_id(now: float) -> str:
    """Sorts by time; unique among the processes of a machine."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now % 1 * 1e6):06}-{os.getpid()}"
