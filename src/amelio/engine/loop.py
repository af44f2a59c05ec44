"""Runs a plan: starts what is ready, waits, records what has ended."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from amelio.engine.books import Books
from amelio.engine.borders import Borders
from amelio.engine.ends import Ends
from amelio.engine.events import EventKind, Listener
from amelio.engine.executor import Exit, exit_of
from amelio.engine.guard.zygote import GRACE_S
from amelio.engine.interrupts import Interrupts
from amelio.engine.probes import Probes
from amelio.engine.recorder import Recorder
from amelio.engine.setup import Setup, Underway
from amelio.engine.starts import NEIGHBOUR_POLL_S, Starts
from amelio.errors import AmelioError, EnvironmentFailedError


class Runner:
    """The loop over a schedule.

    Under the repository lock: everything that ended is recorded, and as many ready stages as there
    are slots are judged, and what must run is started. Without it: wait for the next end. Lock
    entries are written in batches, at the latest after recorder.FLUSH_EVERY_S; only then the
    journal calls an attempt recorded and old outputs are removed.

    Stages that need nothing of what has just ended well are started before that is recorded, which
    takes 4 ms each; unless the record makes one ready that comes before them: it would then have to
    wait for the end of one of them. Not with one slot: what is to run one after the other may hide
    an order.

    trouble: what went wrong with the repository itself, not with one stage
    """

    def __init__(self, setup: Setup, interrupts: Interrupts, listener: Listener) -> None:
        self._setup = setup
        self._ws = setup.workspace
        self._schedule = setup.schedule
        self._interrupts = interrupts
        self._stages = {stage.id: stage for stage in setup.stages}
        self._underway = Underway(finished=dict(setup.finished))
        self._waiting: set[str] = set()  # stages that must run, for what another run has
        self._executor = setup.executor
        self._borders = Borders(setup.workspace, self._underway)
        self.books = Books(
            setup.workspace, setup.stages, setup.policy, setup.schedule, setup.expected_s,
            self._borders, listener,
        )  # fmt: skip
        self._recorder = Recorder(setup.workspace, setup.attempts, self.books)
        self._probes = Probes(
            setup.workspace.root,
            setup.schedule,
            setup.attempts,
            setup.conditions,
            self.books,
            setup.executor,
        )
        parts = (self._underway, self.books, self._recorder, self._borders, self._probes)
        self._starts = Starts(setup, *parts)
        self._ends = Ends(setup, *parts)
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
                busy = {run.start.stage.id for run in self._underway.running.values()}
                busy.update(self._probes.stages)
                self._ws.refresh(k for k in self._stages if k not in self.books and k not in busy)
            self._take_in(ended)
            due = self._recorder.due
            if self._schedule.is_done or (due is not None and time.monotonic() >= due):
                self._recorder.flush()

    def _take_in(self, ended: Sequence[Exit]) -> None:
        if ended:
            self._borders.look({found.attempt: found.ended for found in ended})
        well = [found for found in ended if self._has_ended_well(found.attempt, found)]
        for found in ended:
            if found not in well:
                self._ends.take_in(found)
        for found in well if self._schedule.jobs > 1 else ():
            self._schedule.vacate(self._stage_of(found))
        while urgent := [x for x in well if self._schedule.is_urgent(self._stage_of(x))]:
            self._ends.take_in(urgent[0])
            well.remove(urgent[0])
        self._start_ready()
        for found in well:
            self._ends.take_in(found)
            self._start_ready()

    def _stage_of(self, found: Exit) -> str:
        return self._underway.running[found.attempt].start.stage.id

    def _has_ended_well(self, attempt: str, found: Exit) -> bool:
        return (
            found.is_good and attempt not in self._probes and not self._borders.is_charged(attempt)
        )

    def _start_ready(self) -> None:
        while not self.books.is_stopping and not self._interrupts.number:
            now = time.monotonic()
            not_before = self._underway.not_before
            for key in [key for key, due in not_before.items() if due <= now]:
                del not_before[key]
            ready = next((k for k in self._schedule.startable() if k not in not_before), None)
            if ready is None:
                return
            lacking = self._lacking(ready)
            if lacking and (ready in self._waiting or not self._starts.settles_at_once(ready)):
                self._waiting.add(ready)
                self.books.tell(EventKind.WAITING, ready, message=lacking)
                not_before[ready] = now + NEIGHBOUR_POLL_S
            if lacking:
                continue
            self._starts.consider(ready)
            self._schedule.let_go(ready)

    def _lacking(self, key: str) -> str | None:
        """What the stage needs and another run has."""
        if self._is_at_work_elsewhere(key):
            return "the same work of another"
        return self._schedule.reserve(key)

    def _is_at_work_elsewhere(self, key: str) -> bool:
        signature = self._underway.done_elsewhere.get(key)
        if signature and self._setup.neighbours and self._setup.neighbours.is_at_work(signature):
            return True
        self._underway.done_elsewhere.pop(key, None)
        return False

    def _wait(self) -> list[Exit]:
        now = time.monotonic()
        waits_s = [due - now for due in self._underway.not_before.values()]
        if self._recorder.due is not None:
            waits_s.append(self._recorder.due - now)
        timeout_s = max(0.0, min(waits_s)) if waits_s else None
        if not self._executor.running:
            self._interrupts.sleep(timeout_s or 0)
            return []
        with self._interrupts.forwarding(self._pass_on):
            return [exit_of(report) for report in self._executor.wait(timeout_s)]

    def _pass_on(self, number: int) -> None:
        """Pass a signal on to the stages; the first one is told, as they may take their time."""
        self._executor.signal(number)
        if number != signal.SIGHUP:
            n = len(self._executor.running)
            told = f"interrupted: {n} stage{'s' * (n != 1)} may take {GRACE_S:g} s to end"
            with suppress(
                OSError
            ):  # nobody reads it any more; what runs is to be ended all the same
                self.books.note("", f"{told}; a second Ctrl-C does not wait for that")
