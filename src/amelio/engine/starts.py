"""Decides about ready stages, and starts what must run."""

import time
from collections.abc import Callable
from dataclasses import replace

from amelio import faults, fingerprint
from amelio.engine.attempts import Attempt
from amelio.engine.books import Books
from amelio.engine.borders import Borders
from amelio.engine.conditions import (
    ProbeNeededError,
    forced_reasons,
    has_outputs,
    require_cached,
)
from amelio.engine.events import EventKind
from amelio.engine.injection import require_plain_words
from amelio.engine.probes import Probes
from amelio.engine.recorder import Recorder
from amelio.engine.recover import Finished
from amelio.engine.setup import Running, Setup, Start, Underway
from amelio.errors import AmelioError, EnvironmentFailedError, InputError, StageFailedError
from amelio.model import BusyError, Outcome, Policy, Reason, Stage, StageKind, Task

BUSY_POLL_S = 0.5
BUSY_PATIENCE_S = 600.0
NEIGHBOUR_POLL_S = 0.1


class Starts:
    """What happens to a stage from being ready until its commands run, or it needs none.

    Called under the repository lock.
    """

    def __init__(
        self,
        setup: Setup,
        underway: Underway,
        books: Books,
        recorder: Recorder,
        borders: Borders,
        probes: Probes,
    ) -> None:
        self._setup = setup
        self._ws = setup.workspace
        self._schedule = setup.schedule
        self._attempts = setup.attempts
        self._stages = {stage.id: stage for stage in setup.stages}
        self._underway = underway
        self._books = books
        self._recorder = recorder
        self._borders = borders
        self._probes = probes
        self._busy_since: dict[str, float] = {}

    def consider(self, key: str) -> None:
        """Judge a ready stage; start it when it must run."""
        try:
            try:
                self._decide(key)
            except ProbeNeededError:
                self._ask_probe(self._stages[key])
        except BusyError as error:
            self._postpone(key, error)
        except AmelioError as error:
            self._books.fail(key, error)

    def _ask_probe(self, stage: Stage) -> None:
        self._require_plain_words(stage)
        self._probes.start(stage, self._setup.settings[stage.id])

    def _require_plain_words(self, stage: Stage) -> None:
        if not self._setup.allow_unsafe_params:
            require_plain_words(self._ws, stage)

    def settles_at_once(self, key: str) -> bool:
        """Whether the stage is up to date, and so needs nothing that other runs have."""
        policy = replace(self._setup.policy, force=self._books.is_forced(key))
        try:
            if policy.force or self._ws.judge(key, policy).reasons:
                return False
        except AmelioError:
            return False  # it is judged again when its turn comes
        self._leave_as_is(key)
        return True

    def _leave_as_is(self, key: str) -> None:
        if key in self._underway.finished:  # its lock entry was written just before the crash
            self._recorder.close_later(self._underway.finished.pop(key).attempt)
        self._books.settle(key, Outcome.UP_TO_DATE)

    def _decide(self, key: str) -> None:
        stage = self._stages[key]
        policy = replace(self._setup.policy, force=self._books.is_forced(key))
        if policy.force:
            self._start(stage, forced_reasons(self._ws, stage, policy), policy)
            return
        verdict = self._ws.judge(key, policy)
        reasons = verdict.reasons
        if not reasons:
            self._leave_as_is(key)
            return
        if policy.pull and verdict.is_pullable and self._pull(stage):
            self._books.settle(key, Outcome.PULLED, reasons=reasons)
            return
        if self._setup.settings[key].when and verdict.is_pullable:
            require_cached(self._ws, stage, reasons, policy)
            self._start(stage, reasons, policy)
            return
        decision = self._setup.conditions.decide(stage, reasons)
        if decision is None:
            self._start(stage, reasons, policy)
        elif decision.is_true:
            self._start(stage, (*reasons, decision.reason), policy)
        else:
            self._skip(stage, (*reasons, decision.reason), decision.message)

    def _pull(self, stage: Stage) -> bool:
        self._borders.begin(stage)
        return self._ws.pull(stage.id)

    def _skip(self, stage: Stage, reasons: tuple[Reason, ...], message: str) -> None:
        if has_outputs(stage):
            self._books.settle(stage.id, Outcome.SKIPPED, reasons=reasons, message=message)
        else:
            self._books.lose(stage.id, Outcome.SKIPPED, message, reasons=reasons)

    def _start(self, stage: Stage, reasons: tuple[Reason, ...], policy: Policy) -> None:
        if self._setup.confirm and not self._setup.confirm(stage.name):
            raise StageFailedError("reproduction aborted by the user")
        self._require_plain_words(stage)
        needed = [out.path for need in stage.needs for out in self._stages[need].outputs]
        self._borders.require_sound(stage, needed)
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
            outside = [out.path for out in stage.outputs if out.is_outside]
            if outside:  # DVC would remove them first
                raise InputError(
                    f"{stage.name}: outputs outside of the repository: {', '.join(outside)}",
                    path=stage.place,
                    hint="amelio deletes nothing there; give it an output inside",
                )
            self._without_command(start, Outcome.RAN, self._ws.run_internal)
            return
        finished = self._underway.finished.pop(stage.id, None)
        if finished is None:
            if not policy.force and self._ws.is_cached(stage.id, policy):
                self._without_command(start, Outcome.RESTORED, self._ws.restore)
                return
            self._ws.require_room(stage.id, policy)
            task = self._ws.prepare(stage.id, policy)
            if not self._has_neighbour_for(start, task):
                self._spawn(start, task)
            return
        task = self._ws.prepare(stage.id, policy)
        if not policy.force and self._is_whole(finished, task):
            self._resume(start, finished)
        else:
            self._attempts.put_back(finished.attempt)
            self._spawn(start, task)

    def _has_neighbour_for(self, start: Start, task: Task) -> bool:
        """Whether another run has just done this very work, or does it now."""
        key, neighbours = task.stage, self._setup.neighbours
        if neighbours is None or start.policy.force or not task.is_reusable:
            return False
        if not neighbours.begin_work(task.signature):
            self._books.tell(EventKind.WAITING, key, message="the same work of another")
            self._underway.done_elsewhere[key] = task.signature
            self._underway.not_before[key] = time.monotonic() + NEIGHBOUR_POLL_S
            self._ws.release(key)
            self._schedule.stop(key)
            return True
        if not self._ws.is_cached(key, start.policy):
            return False
        neighbours.end_work(task.signature)  # it was done between our look and our lock
        self._without_command(start, Outcome.RESTORED, self._ws.restore)
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
            self._setup.executor.start(attempt.folder, stage.id, order)
        except OSError as error:
            self._attempts.put_back(attempt)
            raise EnvironmentFailedError(f"cannot start {stage.name}: {error}") from error
        faults.reach("start.after_spawn")
        tries = self._underway.tries
        n_attempts = tries[stage.id] = tries.get(stage.id, 0) + 1
        self._underway.running[attempt.id] = Running(start, attempt, time.time(), n_attempts)
        self._books.tell(
            EventKind.STARTED,
            stage.id,
            reasons=start.reasons,
            commands=task.shown,
            log=attempt.log,
            expected_s=self._setup.expected_s.get(stage.id),
        )

    def _begin(self, start: Start, signature: str = "") -> Attempt:
        stage = start.stage
        self._borders.begin(stage)
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
        self._books.tell(EventKind.STARTED, key, reasons=start.reasons)
        try:
            work(key, start.policy)
            faults.reach("restore.after_checkout")
            facts = self._ws.facts(key)
        except AmelioError:
            self._attempts.put_back(attempt)
            raise
        self._recorder.close_later(attempt)
        self._books.settle(key, outcome, reasons=start.reasons, outputs=tuple(facts))

    def _resume(self, start: Start, finished: Finished) -> None:
        facts = self._recorder.store(finished.attempt, start.policy)
        self._books.settle(
            start.stage.id,
            Outcome.RAN,
            reasons=start.reasons,
            outputs=tuple(facts),
            usage=finished.exit.usage,
            log=finished.attempt.log,
            is_resumed=True,
            message="had ended before a crash; only its record was missing",
        )

    def _postpone(self, key: str, error: BusyError) -> None:
        now = time.monotonic()
        if key not in self._busy_since:
            self._busy_since[key] = now
            self._books.tell(EventKind.WAITING, key, message=str(error))
        if now - self._busy_since[key] > BUSY_PATIENCE_S:
            self._books.fail(key, error)
        else:
            self._underway.not_before[key] = now + BUSY_POLL_S
