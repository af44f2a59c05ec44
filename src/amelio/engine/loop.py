"""Runs a plan: starts what is ready, waits, records what has ended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from amelio import faults, fingerprint
from amelio.engine.attempts import Attempt
from amelio.engine.books import Books
from amelio.engine.conditions import ProbeNeededError
from amelio.engine.events import EventKind, Listener
from amelio.engine.executor import Exit, LocalExecutor, exit_of, how_it_failed
from amelio.engine.interrupts import Interrupts
from amelio.engine.probes import Probes
from amelio.engine.recorder import Recorder
from amelio.engine.recover import Finished
from amelio.engine.setup import Running, Setup, Start
from amelio.errors import AmelioError, EnvironmentFailedError, InputError, StageFailedError
from amelio.model import (
    BusyError,
    Outcome,
    Policy,
    Reason,
    ReasonKind,
    Stage,
    StageKind,
    Task,
)

BUSY_POLL_S = 0.5
BUSY_PATIENCE_S = 600.0
FIRST_BACKOFF_S = 1.0
NEIGHBOUR_POLL_S = 0.1


class Runner:
    """The loop over a schedule.

    Under the repository lock: everything that ended is recorded, then as many ready stages as there
    are slots are judged, and what must run is started. Without it: wait for the next end. Lock
    entries are written in batches, at the latest after recorder.FLUSH_EVERY_S; only then the
    journal calls an attempt recorded and old outputs are removed.

    trouble: what went wrong with the repository itself, not with one stage
    """

    def __init__(self, setup: Setup, interrupts: Interrupts, listener: Listener) -> None:
        self._setup = setup
        self._ws = setup.workspace
        self._schedule = setup.schedule
        self._attempts = setup.attempts
        self._interrupts = interrupts
        self._stages = {stage.id: stage for stage in setup.stages}
        self._executor: LocalExecutor | None = None
        self.books = Books(
            setup.workspace, setup.stages, setup.policy, setup.schedule, setup.expected_s, listener
        )
        self._recorder = Recorder(setup.workspace, setup.attempts, self.books)
        self._probes = Probes(
            setup.workspace.root,
            setup.schedule,
            setup.attempts,
            setup.conditions,
            self.books,
            self._opened,
        )
        self._running: dict[str, Running] = {}
        self._not_before: dict[str, float] = {}
        self._busy_since: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._done_elsewhere: dict[str, str] = {}
        self._finished = dict(setup.finished)
        self.trouble: AmelioError | None = None

    def run(self) -> None:
        """Run the plan to its end; the books then say what became of it."""
        ended: list[Exit] = []
        try:
            while not self._schedule.is_done:
                self._turn(ended)
                ended = [] if self._schedule.is_done else self._wait()
        except EnvironmentFailedError as error:
            self.trouble = error
            self.books.stop("the repository is in trouble")
        finally:
            if self._executor is not None:
                self._setup.leave(self._executor)
            self._write_the_rest()
            if self._setup.neighbours:
                self._setup.neighbours.close()

    def _write_the_rest(self) -> None:
        try:
            with self._ws.locked(self._interrupts.came):
                self._recorder.flush()
        except AmelioError as error:
            self.trouble = self.trouble or error

    def _turn(self, ended: Sequence[Exit]) -> None:
        if self._interrupts.number:
            self.books.stop("the run was interrupted")
        with self._ws.locked(self._interrupts.came):
            if not self.books.is_stopping:
                busy = {run.start.stage.id for run in self._running.values()}
                busy.update(self._probes.stages)
                self._ws.refresh([k for k in self._stages if k not in self.books and k not in busy])
            self._start_ready()
            for found in ended:
                self._take_in(found)
                self._start_ready()  # at once: recording eight stages takes a tenth of a second
            due = self._recorder.due
            if self._schedule.is_done or (due is not None and time.monotonic() >= due):
                self._recorder.flush()

    def _start_ready(self) -> None:
        while not self.books.is_stopping and not self._interrupts.number:
            now = time.monotonic()
            self._not_before = {k: due for k, due in self._not_before.items() if due > now}
            ready = [k for k in self._schedule.startable() if k not in self._not_before]
            if not ready:
                return
            if self._is_at_work_elsewhere(ready[0]) or not self._schedule.reserve(ready[0]):
                self._not_before[ready[0]] = now + NEIGHBOUR_POLL_S
                continue
            self._consider(ready[0])
            self._schedule.let_go(ready[0])

    def _is_at_work_elsewhere(self, key: str) -> bool:
        signature = self._done_elsewhere.get(key)
        if signature and self._setup.neighbours and self._setup.neighbours.is_at_work(signature):
            return True
        self._done_elsewhere.pop(key, None)
        return False

    def _wait(self) -> list[Exit]:
        now = time.monotonic()
        waits_s = [due - now for due in self._not_before.values()]
        if self._recorder.due is not None:
            waits_s.append(self._recorder.due - now)
        timeout_s = max(0.0, min(waits_s)) if waits_s else None
        if self._executor is None or not self._executor.running:
            time.sleep(timeout_s or 0)
            return []
        with self._interrupts.forwarding(self._executor.signal):
            return [exit_of(report) for report in self._executor.wait(timeout_s)]

    def _opened(self) -> LocalExecutor:
        if self._executor is None:
            self._executor = self._setup.executor()
        return self._executor

    # -- before a stage runs

    def _consider(self, key: str) -> None:
        """Judge a ready stage; start it when it must run."""
        try:
            self._decide(key)
        except ProbeNeededError:
            self._probes.start(self._stages[key], self._setup.settings[key])
        except BusyError as error:
            self._postpone(key, error)
        except AmelioError as error:
            self.books.fail(key, error)

    def _decide(self, key: str) -> None:
        stage = self._stages[key]
        policy = replace(self._setup.policy, force=self.books.is_forced(key))
        if policy.force:
            self._start(stage, (Reason(ReasonKind.FORCED),), policy)
            return
        verdict = self._ws.judge(key, policy)
        reasons = verdict.reasons
        if not reasons:
            if key in self._finished:  # its lock entry was written just before the crash
                self._recorder.close_later(self._finished.pop(key).attempt)
            self.books.settle(key, Outcome.UP_TO_DATE)
            return
        if policy.pull and verdict.is_pullable and self._ws.pull(key):
            self.books.settle(key, Outcome.PULLED, reasons=reasons)
            return
        if self._setup.settings[key].when and verdict.is_pullable:
            self._require_cached(stage, reasons, policy)
            self._start(stage, reasons, policy)
            return
        decision = self._setup.conditions.decide(stage, reasons)
        if decision is None:
            self._start(stage, reasons, policy)
        elif decision.is_true:
            self._start(stage, (*reasons, decision.reason), policy)
        else:
            self._skip(stage, (*reasons, decision.reason), decision.message)

    def _skip(self, stage: Stage, reasons: tuple[Reason, ...], message: str) -> None:
        if all(fingerprint.of_path(out.path) != fingerprint.MISSING for out in stage.outputs):
            self.books.settle(stage.id, Outcome.SKIPPED, reasons=reasons, message=message)
        else:
            self.books.lose(stage.id, Outcome.SKIPPED, message, reasons=reasons)

    def _require_cached(self, stage: Stage, reasons: Sequence[Reason], policy: Policy) -> None:
        """A conditional stage lacks outputs that the lock file has: no reason to run it."""
        if self._ws.is_cached(stage.id, policy):
            return
        lost = ", ".join(reason.what for reason in reasons)
        raise InputError(
            f"{stage.name}: unchanged since it last ran, but outputs are missing here: {lost}",
            hint=f"fetch them with `dvc pull {stage.name}`, or run it with `-fs {stage.name}`",
        )

    def _start(self, stage: Stage, reasons: tuple[Reason, ...], policy: Policy) -> None:
        if self._setup.confirm and not self._setup.confirm(stage.name):
            raise StageFailedError("reproduction aborted by the user")
        self._ws.claim(stage.id)
        start = Start(
            stage=stage,
            reasons=reasons,
            policy=policy,
            grant=self._schedule.start(stage.id),
            inputs={path: fingerprint.of_path(path) for path in stage.inputs},
            precious=[o.path for o in stage.outputs if not self._ws.is_stored(o.path, stage.id)],
        )
        if stage.kind is StageKind.INTERNAL:
            self._without_command(start, Outcome.RAN, self._ws.run_internal)
            return
        finished = self._finished.pop(stage.id, None)
        if finished is None:
            if not policy.force and self._ws.is_cached(stage.id, policy):
                self._without_command(start, Outcome.RESTORED, self._ws.restore)
                return
            task = self._ws.prepare(stage.id, policy)
            if not self._leaves_to_others(stage.id, task, policy):
                self._spawn(start, task)
            return
        task = self._ws.prepare(stage.id, policy)
        if not policy.force and self._is_whole(finished, task):
            self._resume(start, finished)
        else:
            self._put_back(finished.attempt)
            self._spawn(start, task)

    def _leaves_to_others(self, key: str, task: Task, policy: Policy) -> bool:
        """Whether another run does this very work now; the run cache will have its result."""
        neighbours = self._setup.neighbours
        if neighbours is None or policy.force or not task.is_reusable:
            return False
        if neighbours.begin_work(task.signature):
            if not self._ws.is_cached(key, policy):
                return False
            neighbours.end_work(task.signature)  # it was done between our look and our lock
            due_s = 0.0
        else:
            due_s = NEIGHBOUR_POLL_S
            self.books.tell(EventKind.WAITING, key, message="another run does this very work")
        self._done_elsewhere[key] = task.signature
        self._ws.release(key)
        self._schedule.stop(key)
        self._not_before[key] = time.monotonic() + due_s
        return True

    def _is_whole(self, finished: Finished, task: Task) -> bool:
        """Whether the crashed attempt did this very work, and its outputs are as it left them."""
        if finished.attempt.signature != task.signature:
            return False
        return finished.hashes is None or finished.hashes == self._ws.output_hashes(task.stage)

    def _spawn(self, start: Start, task: Task) -> None:
        stage = start.stage
        attempt = self._begin(start, task.signature)
        order = {
            "attempt": attempt.id,
            "commands": task.commands,
            "cwd": str(task.cwd),
            "env": {**task.env, **start.grant.environment()},
            "unset": task.unset,
            "inputs": list(stage.inputs),
            "outputs": [out.path for out in stage.outputs],
            "log": str(attempt.log),
            "timeout_s": self._setup.settings[stage.id].timeout_s,
        }
        try:
            self._opened().start(attempt.folder, stage.id, order)
        except OSError as error:
            self._put_back(attempt)
            raise EnvironmentFailedError(f"cannot start {stage.name}: {error}") from error
        faults.reach("start.after_spawn")
        n_attempts = self._tries[stage.id] = self._tries.get(stage.id, 0) + 1
        self._running[attempt.id] = Running(start, attempt, time.time(), n_attempts)
        self.books.tell(
            EventKind.STARTED,
            stage.id,
            reasons=start.reasons,
            commands=task.shown,
            log=attempt.log,
            expected_s=self._setup.expected_s.get(stage.id),
        )

    def _begin(self, start: Start, signature: str = "") -> Attempt:
        stage = start.stage
        try:
            return self._attempts.begin(
                stage.id, stage.name, stage.outputs, start.inputs, start.precious, signature
            )
        except OSError as error:
            raise EnvironmentFailedError(
                f"{stage.name}: cannot prepare a run: {error.strerror}: {error.filename}"
            ) from error

    def _without_command(
        self, start: Start, outcome: Outcome, work: Callable[[str, Policy], object]
    ) -> None:
        """Do in this process what takes no command: DVC's own work, or the run cache's."""
        key = start.stage.id
        attempt = self._begin(start)
        faults.reach("restore.after_aside")
        self.books.tell(EventKind.STARTED, key, reasons=start.reasons)
        try:
            work(key, start.policy)
            faults.reach("restore.after_checkout")
            facts = self._ws.facts(key)
        except AmelioError:
            self._put_back(attempt)
            raise
        self._recorder.close_later(attempt)
        self.books.settle(key, outcome, reasons=start.reasons, outputs=tuple(facts))

    def _resume(self, start: Start, finished: Finished) -> None:
        facts = self._recorder.store(finished.attempt, start.policy)
        self.books.settle(
            start.stage.id,
            Outcome.RAN,
            reasons=start.reasons,
            outputs=tuple(facts),
            usage=finished.exit.usage,
            log=finished.attempt.log,
            is_resumed=True,
            message="had ended before a crash; only its record was missing",
        )

    # -- after its commands ended

    def _take_in(self, found: Exit) -> None:
        if found.attempt in self._probes:
            self._probes.take_in(found)
            return
        running = self._running.pop(found.attempt)
        faults.reach("exit.before_commit")
        key = running.start.stage.id
        try:
            if found.signal:
                self._undo(running, found, Outcome.INTERRUPTED, "interrupted")
            elif found.is_timed_out:
                limit_s = self._setup.settings[key].timeout_s
                self._retry_or_fail(
                    running, found, f"took longer than its timeout of {limit_s:g} s"
                )
            elif found.code:
                self._retry_or_fail(running, found, how_it_failed(found.code))
            else:
                self._record(running, found)
        except AmelioError as error:
            self.books.fail(key, error, **_facts(running, found))
        finally:
            if self._setup.neighbours:
                self._setup.neighbours.end_work(running.attempt.signature)

    def _record(self, running: Running, found: Exit) -> None:
        key = running.start.stage.id
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
            self.books.note(key, "left processes behind, which were ended")
        try:
            facts = self._recorder.store(running.attempt, running.start.policy)
        except AmelioError as error:
            raise StageFailedError(
                f"its command ended well, but the result could not be recorded: {error}",
                hint="mend that and run again: the command will not be run a second time",
            ) from error
        self.books.settle(key, Outcome.RAN, outputs=tuple(facts), **_facts(running, found))

    def _retry_or_fail(self, running: Running, found: Exit, why: str) -> None:
        key = running.start.stage.id
        retries = self._setup.settings[key].retries
        if running.n_attempts > retries or self.books.is_stopping:
            self._undo(running, found, Outcome.FAILED, why)
            return
        self._put_back(running.attempt)
        self._ws.release(key)
        self._schedule.stop(key)
        pause_s = FIRST_BACKOFF_S * 2 ** (running.n_attempts - 1)
        self._not_before[key] = time.monotonic() + pause_s
        message = f"{why}; try {running.n_attempts + 1} of {retries + 1} in {pause_s:g} s"
        self.books.tell(EventKind.RETRY, key, message=message)

    def _undo(self, running: Running, found: Exit, outcome: Outcome, why: str) -> None:
        self._put_back(running.attempt)
        kept = self._attempts.kept(running.attempt)
        message = f"{why}; what it made is in {kept}" if kept else why
        self.books.lose(running.start.stage.id, outcome, message, **_facts(running, found))

    def _put_back(self, attempt: Attempt) -> None:
        try:
            self._attempts.put_back(attempt)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot bring old outputs back: {error.strerror}: {error.filename}",
                hint="mend that; the next run brings them back",
            ) from error

    def _postpone(self, key: str, error: BusyError) -> None:
        now = time.monotonic()
        if key not in self._busy_since:
            self._busy_since[key] = now
            self.books.tell(EventKind.WAITING, key, message=str(error))
        if now - self._busy_since[key] > BUSY_PATIENCE_S:
            self.books.fail(key, error)
        else:
            self._not_before[key] = now + BUSY_POLL_S


def _facts(running: Running, found: Exit) -> dict[str, object]:
    return {
        "reasons": running.start.reasons,
        "usage": found.usage,
        "attempts": running.n_attempts,
        "log": running.attempt.log,
        "started": running.started,
    }
