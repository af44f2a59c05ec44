"""Runs a plan: starts what is ready, waits, records what has ended."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from amelio import faults
from amelio.engine.attempts import LOG, Attempt, Attempts
from amelio.engine.conditions import Conditions, Decision, ProbeNeededError
from amelio.engine.events import Event, EventKind, Listener
from amelio.engine.executor import Exit, LocalExecutor, exit_of
from amelio.engine.guard import fingerprint
from amelio.engine.interrupts import Interrupts
from amelio.engine.locks import stage_lock
from amelio.engine.recover import Finished
from amelio.engine.schedule import Grant, Schedule
from amelio.engine.settings import StageSettings
from amelio.errors import AmelioError, EnvironmentFailedError, InputError, StageFailedError
from amelio.model import (
    BusyError,
    OnError,
    Outcome,
    Policy,
    Reason,
    ReasonKind,
    Stage,
    StageKind,
    StageResult,
    Task,
    Workspace,
)

FLUSH_EVERY_S = 0.5
BUSY_POLL_S = 0.5
BUSY_PATIENCE_S = 600.0
FIRST_BACKOFF_S = 1.0


@dataclass
class Running:
    """A stage between its start and its record."""

    stage: Stage
    attempt: Attempt
    task: Task
    reasons: tuple[Reason, ...]
    policy: Policy
    started: float
    n_attempts: int


@dataclass(frozen=True)
class Probe:
    """A probe that runs.

    signature: of the inputs that it looks at
    printed: where its JSON goes
    """

    stage: Stage
    signature: str
    printed: Path
    attempt: str


@dataclass(frozen=True)
class Setup:
    """What a run is given.

    expected_s: seconds that stages took before, by id
    folder: of this run's attempts
    confirm: asked before each stage starts, for `--interactive`
    """

    stages: Sequence[Stage]
    settings: Mapping[str, StageSettings]
    policy: Policy
    folder: Path
    state_folder: Path
    expected_s: Mapping[str, float] = field(default_factory=dict)
    finished: Mapping[str, Finished] = field(default_factory=dict)
    confirm: Callable[[str], bool] | None = None


class Runner:
    """The loop over a schedule.

    Under the repository lock: everything that ended is recorded, then as many ready stages as there are slots are
    judged, and what must run is started. Without it: wait for the next end. Lock entries are written in batches,
    at the latest after FLUSH_EVERY_S; only then the journal calls an attempt recorded and old outputs are removed.

    A failed stage takes those that need it with it; with OnError.FAIL nothing more starts, but what runs is
    waited for and recorded.
    """

    def __init__(
        self,
        workspace: Workspace,
        setup: Setup,
        schedule: Schedule,
        attempts: Attempts,
        executor: Callable[[], LocalExecutor],
        conditions: Conditions,
        interrupts: Interrupts,
        listener: Listener,
    ) -> None:
        self._ws = workspace
        self._setup = setup
        self._schedule = schedule
        self._attempts = attempts
        self._open_executor = executor
        self._executor: LocalExecutor | None = None
        self._conditions = conditions
        self._interrupts = interrupts
        self._listen = listener
        self._stages = {stage.id: stage for stage in setup.stages}
        self._results: dict[str, StageResult] = {}
        self._running: dict[str, Running] = {}
        self._probes: dict[str, Probe] = {}
        self._forced: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._busy_since: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._finished = dict(setup.finished)
        self._unflushed: list[Attempt] = []
        self._flush_due = 0.0
        self._ended: list[Exit] = []
        self._is_stopping = False
        self._grant: Grant
        self.trouble: AmelioError | None = None
        self.errors: dict[str, AmelioError] = {}

    def run(self) -> list[StageResult]:
        """Run the plan to its end. The results come in serial order.

        Trouble with the repository itself, not with one stage, is left in `trouble`; what was raised for a stage in `errors`.
        """
        with ExitStack() as stack:
            stack.callback(self._close)
            while not self._schedule.is_done:
                try:
                    self._turn()
                    if not self._schedule.is_done:
                        self._ended = self._wait()
                except EnvironmentFailedError as error:
                    self.trouble = error
                    break
            self._flush_quietly()
        return [self._results[key] for key in self._stages if key in self._results]

    def _turn(self) -> None:
        if self._interrupts.number:
            self._stop(Outcome.INTERRUPTED)
        with self._ws.locked():
            ended, self._ended = self._ended, []
            for found in ended:
                self._take_in(found)
            if not self._is_stopping:
                busy = {r.stage.id for r in (*self._running.values(), *self._probes.values())}
                self._ws.refresh([k for k in self._stages if k not in self._results and k not in busy])
            self._start_ready()
            if time.monotonic() >= self._flush_due or self._schedule.is_done:
                self._flush()

    def _start_ready(self) -> None:
        while not self._is_stopping and not self._interrupts.number:
            now = time.monotonic()
            ready = [k for k in self._schedule.startable() if self._not_before.get(k, 0) <= now]
            if not ready:
                return
            self._consider(ready[0])

    def _wait(self) -> list[Exit]:
        if not self._running and not self._probes:
            pending = [t for k, t in self._not_before.items() if k not in self._results]
            time.sleep(max(0.0, min(pending, default=0.0) - time.monotonic()))
            return []
        assert self._executor is not None
        waits_s = [t - time.monotonic() for k, t in self._not_before.items() if k not in self._results]
        if self._unflushed:
            waits_s.append(self._flush_due - time.monotonic())
        timeout_s = max(0.0, min(waits_s)) if waits_s else None
        with self._interrupts.forwarding(self._executor.signal):
            return [exit_of(report) for report in self._executor.wait(timeout_s)]

    # -- before a stage runs

    def _consider(self, key: str) -> None:
        """Judge a ready stage; start it when it must run."""
        try:
            is_forced = self._setup.policy.force or key in self._forced
            policy = replace(self._setup.policy, force=is_forced)
            if is_forced:
                reasons: tuple[Reason, ...] = (Reason(ReasonKind.FORCED),)
            else:
                verdict = self._ws.judge(key, policy)
                reasons = verdict.reasons
                if not reasons:
                    self._up_to_date(key)
                    return
                if policy.pull and verdict.is_pullable and self._ws.pull(key):
                    self._settle(key, Outcome.PULLED, reasons)
                    return
                if self._setup.settings[key].when and verdict.is_pullable:
                    self._bring_back(key, reasons, policy)
                    return
                decision = self._conditions.decide(self._stages[key], reasons)
                if decision is not None:
                    reasons = (*reasons, decision.reason)
                    if not decision.is_true:
                        self._skip(key, reasons, decision)
                        return
            self._confirm(key)
            self._start(key, reasons, policy)
        except ProbeNeededError:
            self._start_probe(key)
        except BusyError as error:
            self._postpone(key, error)
        except AmelioError as error:
            self._fail(key, error)

    def _confirm(self, key: str) -> None:
        if self._setup.confirm and not self._setup.confirm(self._stages[key].name):
            raise StageFailedError("reproduction aborted by the user")

    def _start(self, key: str, reasons: tuple[Reason, ...], policy: Policy) -> None:
        stage = self._stages[key]
        self._ws.claim(key)
        self._not_before.pop(key, None)
        self._grant = self._schedule.start(key)
        inputs = {path: fingerprint.of_path(path) for path in stage.inputs}
        precious = [out.path for out in stage.outputs if not self._ws.is_stored(out.path, key)]
        if stage.kind is StageKind.INTERNAL:
            self._run_inside(stage, reasons, policy, inputs, precious)
            return
        finished = self._finished.pop(key, None)
        if finished is None and not policy.force and self._ws.is_cached(key, policy):
            self._restore(stage, reasons, policy, inputs, precious)
            return
        task = self._ws.prepare(key, policy)
        if finished is not None:
            if finished.attempt.signature == task.signature and not policy.force:
                self._resume(stage, reasons, policy, finished)
                return
            self._attempts.commit([finished.attempt])
        self._spawn(stage, reasons, policy, inputs, precious, task)

    def _spawn(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        policy: Policy,
        inputs: Mapping[str, str],
        precious: Sequence[str],
        task: Task,
    ) -> None:
        attempt = self._begin(stage, inputs, precious, task.signature)
        if self._executor is None:
            self._executor = self._open_executor()
        n_attempts = self._tries[stage.id] = self._tries.get(stage.id, 0) + 1
        order = {
            "attempt": attempt.id,
            "commands": task.commands,
            "cwd": str(task.cwd),
            "env": {**task.env, **self._grant.environment()},
            "unset": task.unset,
            "inputs": list(stage.inputs),
            "outputs": [out.path for out in stage.outputs],
            "log": str(attempt.log),
            "journal": str(self._setup.state_folder / "journal"),
            "lock": str(stage_lock(self._setup.state_folder / "locks", stage.id)),
            "timeout_s": self._setup.settings[stage.id].timeout_s,
        }
        try:
            self._executor.start(attempt.folder, order)
        except OSError as error:
            self._attempts.put_back(attempt)
            raise EnvironmentFailedError(f"cannot start {stage.name}: {error}") from error
        faults.reach("start.after_spawn")
        self._running[attempt.id] = Running(
            stage, attempt, task, reasons, policy, time.time(), n_attempts
        )
        self._tell(
            EventKind.STARTED,
            stage.name,
            reasons=reasons,
            commands=task.shown,
            log=attempt.log,
            expected_s=self._setup.expected_s.get(stage.id),
        )

    def _bring_back(self, key: str, reasons: tuple[Reason, ...], policy: Policy) -> None:
        """A conditional stage lacks outputs that the lock file has: never a reason to run it again."""
        if self._ws.is_cached(key, policy):
            self._start(key, reasons, policy)
            return
        lost = ", ".join(reason.what for reason in reasons)
        name = self._stages[key].name
        raise InputError(
            f"{name}: unchanged since it last ran, but outputs are missing here: {lost}",
            hint=f"fetch them with `dvc pull {name}`, or make them anew with `-f -s {name}`",
        )

    def _start_probe(self, key: str) -> None:
        stage = self._stages[key]
        grant = self._schedule.start(key)
        folder = self._attempts.folder_for_probe(stage.name)
        printed = folder / "probe.json"
        command = self._setup.settings[key].probe or ""
        signature = self._conditions.signature(stage)
        probe = Probe(stage, signature, printed, f"{folder.parent.name}/{folder.name}")
        order = {
            "attempt": probe.attempt,
            "commands": [["/bin/sh", "-c", f"exec > {shlex.quote(str(printed))}\n{command}"]],
            "cwd": str(self._ws.root / Path(stage.place).parent),
            "env": grant.environment(),
            "unset": [],
            "inputs": [],
            "outputs": [],
            "log": str(folder / LOG),
            "journal": str(self._setup.state_folder / "journal"),
            "lock": str(stage_lock(self._setup.state_folder / "locks", key)),
            "timeout_s": self._setup.settings[key].timeout_s,
        }
        self._executor = self._executor or self._open_executor()
        self._executor.start(folder, order)
        self._probes[probe.attempt] = probe
        self._note(stage.name, f"asking its probe: {command}")

    def _take_probe(self, found: Exit) -> None:
        probe = self._probes.pop(found.attempt)
        key = probe.stage.id
        self._schedule.stop(key)
        try:
            if found.signal:
                self._lose(key, Outcome.INTERRUPTED, "interrupted")
                return
            if not found.is_good:
                why = _how_it_failed(found.code)
                raise StageFailedError(f"its probe: {why}; see {probe.printed.parent / LOG}")
            value = self._conditions.take_probe(probe.stage, probe.signature, probe.printed)
            self._attempts.note_probe(key, probe.signature, value)
        except AmelioError as error:
            self._fail(key, error)

    def _begin(
        self, stage: Stage, inputs: Mapping[str, str], precious: Sequence[str], signature: str = ""
    ) -> Attempt:
        try:
            return self._attempts.begin(
                stage.id, stage.name, stage.outputs, inputs, precious, signature
            )
        except OSError as error:
            raise EnvironmentFailedError(
                f"{stage.name}: cannot prepare a run: {error.strerror}: {error.filename}"
            ) from error

    def _restore(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        policy: Policy,
        inputs: Mapping[str, str],
        precious: Sequence[str],
    ) -> None:
        attempt = self._begin(stage, inputs, precious)
        faults.reach("restore.after_aside")
        try:
            self._ws.restore(stage.id)
            faults.reach("restore.after_checkout")
            facts = self._ws.record(stage.id, policy)
        except AmelioError:
            self._attempts.put_back(attempt)
            raise
        self._recorded(attempt)
        saved_s = self._setup.expected_s.get(stage.id, 0.0)
        self._settle(stage.id, Outcome.RESTORED, reasons, outputs=tuple(facts), saved_s=saved_s)

    def _run_inside(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        policy: Policy,
        inputs: Mapping[str, str],
        precious: Sequence[str],
    ) -> None:
        attempt = self._begin(stage, inputs, precious)
        self._tell(EventKind.STARTED, stage.name, reasons=reasons)
        try:
            facts = self._ws.run_internal(stage.id, policy)
        except AmelioError:
            self._attempts.put_back(attempt)
            raise
        self._recorded(attempt)
        self._settle(stage.id, Outcome.RAN, reasons, outputs=tuple(facts))

    def _resume(
        self, stage: Stage, reasons: tuple[Reason, ...], policy: Policy, finished: Finished
    ) -> None:
        facts = self._ws.record(stage.id, policy)
        self._recorded(finished.attempt)
        self._settle(
            stage.id,
            Outcome.RAN,
            reasons,
            outputs=tuple(facts),
            usage=finished.exit.usage,
            log=finished.attempt.log,
            is_resumed=True,
            message="had ended before a crash; only its record was missing",
        )

    # -- after its commands ended

    def _take_in(self, found: Exit) -> None:
        if found.attempt in self._probes:
            self._take_probe(found)
            return
        running = self._running.pop(found.attempt)
        faults.reach("exit.before_commit")
        key = running.stage.id
        try:
            if found.signal:
                self._undo(running, found, Outcome.INTERRUPTED, "interrupted")
            elif found.is_timed_out:
                limit_s = self._setup.settings[key].timeout_s
                self._retry_or_fail(running, found, f"took longer than its timeout of {limit_s:g} s")
            elif found.code:
                self._retry_or_fail(running, found, _how_it_failed(found.code))
            else:
                self._record(running, found)
        except AmelioError as error:
            self._fail(key, error, running, found)

    def _record(self, running: Running, found: Exit) -> None:
        key = running.stage.id
        touched = [
            path
            for path, known in running.attempt.inputs.items()
            if (found.inputs.get(path) or fingerprint.of_path(path)) != known
        ]
        changed = self._ws.changed_inputs(key, touched)
        if changed:
            names = ", ".join(changed)
            message = f"inputs changed while it ran, so its result is not recorded: {names}"
            self._undo(running, found, Outcome.FAILED, message)
            return
        if found.had_stragglers:
            self._note(running.stage.name, "left processes behind, which were ended")
        try:
            facts = self._ws.record(key, running.policy)
        except AmelioError as error:
            raise StageFailedError(
                f"its command ended well, but the result could not be recorded: {error}",
                hint="mend that and run again: the command will not be run a second time",
            ) from error
        self._recorded(running.attempt)
        self._settle(
            key,
            Outcome.RAN,
            running.reasons,
            usage=found.usage,
            attempts=running.n_attempts,
            log=running.attempt.log,
            outputs=tuple(facts),
            started=running.started,
        )

    def _retry_or_fail(self, running: Running, found: Exit, why: str) -> None:
        key = running.stage.id
        retries = self._setup.settings[key].retries
        if running.n_attempts > retries:
            self._undo(running, found, Outcome.FAILED, why)
            return
        self._put_back(running.attempt)
        self._ws.release(key)
        self._schedule.stop(key)
        pause_s = FIRST_BACKOFF_S * 2 ** (running.n_attempts - 1)
        self._not_before[key] = time.monotonic() + pause_s
        message = f"{why}; try {running.n_attempts + 1} of {retries + 1} in {pause_s:g} s"
        self._tell(EventKind.RETRY, running.stage.name, message=message)

    def _undo(self, running: Running, found: Exit, outcome: Outcome, why: str) -> None:
        self._put_back(running.attempt)
        kept = self._attempts.kept(running.attempt)
        message = f"{why}; what it made is in {kept}" if kept else why
        self._lose(
            running.stage.id,
            outcome,
            message,
            reasons=running.reasons,
            usage=found.usage,
            attempts=running.n_attempts,
            log=running.attempt.log,
            started=running.started,
        )

    def _put_back(self, attempt: Attempt) -> None:
        try:
            self._attempts.put_back(attempt)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot bring old outputs back: {error.strerror}: {error.filename}",
                hint="mend that; the next run brings them back",
            ) from error

    # -- how a stage ends in the books

    def _up_to_date(self, key: str) -> None:
        saved_s = self._setup.expected_s.get(key, 0.0)
        self._settle(key, Outcome.UP_TO_DATE, (), saved_s=saved_s)

    def _skip(self, key: str, reasons: tuple[Reason, ...], decision: Decision) -> None:
        stage = self._stages[key]
        result = StageResult(key, stage.name, Outcome.SKIPPED, reasons, decision.message)
        missing = [out.path for out in stage.outputs if fingerprint.of_path(out.path) == fingerprint.MISSING]
        if missing:
            self._lose(key, Outcome.SKIPPED, decision.message, reasons=reasons, is_failure=False)
            return
        self._results[key] = result
        self._schedule.finish(key)
        self._tell(EventKind.ENDED, stage.name, result=result)

    def _settle(
        self, key: str, outcome: Outcome, reasons: tuple[Reason, ...], **facts: object
    ) -> None:
        result = StageResult(key, self._stages[key].name, outcome, reasons, **facts)  # type: ignore[arg-type]
        self._results[key] = result
        is_forced = self._setup.policy.force or key in self._forced
        if self._setup.policy.force_downstream and (
            is_forced or outcome in (Outcome.RAN, Outcome.RESTORED)
        ):
            self._forced.update(self._schedule.dependents(key))
        self._schedule.finish(key)
        self._ws.release(key)
        self._tell(EventKind.ENDED, result.name, result=result)

    def _fail(
        self, key: str, error: AmelioError, running: Running | None = None, found: Exit | None = None
    ) -> None:
        self.errors[key] = error
        self._lose(
            key,
            Outcome.FAILED,
            str(error),
            reasons=running.reasons if running else (),
            usage=found.usage if found else None,
            attempts=running.n_attempts if running else 0,
            log=running.attempt.log if running else None,
            started=running.started if running else None,
        )

    def _lose(
        self, key: str, outcome: Outcome, message: str, is_failure: bool = True, **facts: object
    ) -> None:
        """The stage has no (new) outputs: decide what that means for the others."""
        result = StageResult(key, self._stages[key].name, outcome, message=message, **facts)  # type: ignore[arg-type]
        self._results[key] = result
        self._ws.release(key)
        self._tell(EventKind.ENDED, result.name, result=result)
        if is_failure and self._setup.policy.on_error is OnError.IGNORE:
            self._schedule.finish(key)
            return
        for lost in self._schedule.fail(key):
            self._not_reached(lost, f"{result.name} {outcome}")
        if is_failure and self._setup.policy.on_error is OnError.FAIL:
            self._stop(Outcome.NOT_REACHED)

    def _not_reached(self, key: str, why: str) -> None:
        result = StageResult(key, self._stages[key].name, Outcome.NOT_REACHED, message=why)
        self._results[key] = result
        self._tell(EventKind.ENDED, result.name, result=result)

    def _stop(self, outcome: Outcome) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        why = "the run was interrupted" if outcome is Outcome.INTERRUPTED else "another stage failed"
        for key in self._schedule.abandon():
            self._not_reached(key, why)

    def _postpone(self, key: str, error: BusyError) -> None:
        now = time.monotonic()
        since = self._busy_since.setdefault(key, now)
        if since == now:
            self._tell(EventKind.WAITING, self._stages[key].name, message=str(error))
        if now - since > BUSY_PATIENCE_S:
            self._fail(key, error)
            return
        self._not_before[key] = now + BUSY_POLL_S

    # -- the lock file

    def _recorded(self, attempt: Attempt) -> None:
        if not self._unflushed:
            self._flush_due = time.monotonic() + FLUSH_EVERY_S
        self._unflushed.append(attempt)

    def _flush(self) -> None:
        self._ws.flush()
        recorded, self._unflushed = self._unflushed, []
        if not recorded:
            return
        try:
            kept = self._attempts.commit(recorded)
        except OSError as error:
            raise EnvironmentFailedError(f"cannot write {error.filename}: {error.strerror}") from error
        for stage, place in kept:
            name = self._stages[stage].name
            self._note(name, f"its old output was stored nowhere else and is kept: {place}")

    def _flush_quietly(self) -> None:
        if not self._unflushed:
            return
        try:
            with self._ws.locked():
                self._flush()
        except AmelioError as error:
            self.trouble = self.trouble or error

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()

    def _note(self, stage: str, message: str) -> None:
        self._tell(EventKind.NOTE, stage, message=message)

    def _tell(self, kind: EventKind, stage: str, **facts: object) -> None:
        self._listen(Event(kind, time.time(), stage, **facts))  # type: ignore[arg-type]


def _how_it_failed(code: int) -> str:
    return f"its command was ended by signal {-code}" if code < 0 else f"its command failed with exit code {code}"
