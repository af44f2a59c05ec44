"""The process that keeps workers at work: starts them, hears of their deaths, stops them."""

import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from amelio.experiments.entry import Status
from amelio.experiments.home import Home
from amelio.experiments.lifeline import end_with_parent, has_parent
from amelio.experiments.queue import Queue

POLL_S = 0.05
LOOK_S = 0.2
BEAT_S = 5.0
HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Work = Callable[[Queue], None]


class Crew:
    """Up to `jobs` workers for the waiting experiments (of `batch`).

    A worker is a fork of this process, which has imported everything and opened nothing. It takes
    up one experiment after the other, and ends when none waits. When it dies its experiment waits
    again at once; when this process dies all its workers do, and the next command sees to the rest.

    work: what a worker does until nothing waits
    parent: the process with which it ends; None when it goes on alone
    """

    def __init__(
        self, home: Home, jobs: int, batch: str | None, work: Work, parent: int | None = None
    ) -> None:
        self._home = home
        self._jobs = jobs
        self._batch = batch
        self._work = work
        self._parent = parent
        self._workers: set[int] = set()
        self._signal = 0
        self._told_to_stop: set[int] = set()

    def run(self) -> int:
        """Until nothing waits or runs, or a signal came. Returns that signal, or 0."""
        for number in HEEDED:
            signal.signal(number, self._note)
        gc.freeze()
        queue = Queue(self._home.queue)
        next_look = next_beat = 0.0
        while True:
            now = time.monotonic()
            has_lost = self._bury()
            if has_lost or now >= next_look:
                queue.take_back_lost()
                self._pass_on_stops(queue)
                if self._parent is not None and not self._signal and not has_parent(self._parent):
                    self._note(signal.SIGTERM, None)
                waiting = 0 if self._signal else queue.count(Status.QUEUED, self._batch)
                if not waiting and not self._workers:
                    break
                for _ in range(min(waiting, self._jobs - len(self._workers))):
                    self._hire()
                next_look = time.monotonic() + LOOK_S
            if now >= next_beat and self._workers:
                queue.beat(self._workers)
                next_beat = now + BEAT_S
            time.sleep(POLL_S)
        queue.close()
        return self._signal

    def _hire(self) -> None:
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)  # our handler is not for the child
        pid = os.fork()
        if pid:
            self._workers.add(pid)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
            return
        code = 1
        try:
            for number in HEEDED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
            end_with_parent(parent)
            self._work(Queue(self._home.queue))
            code = 0
        finally:
            os._exit(code)

    def _bury(self) -> bool:
        dead = set()
        for pid in self._workers:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    dead.add(pid)
        self._workers -= dead
        return bool(dead)

    def _pass_on_stops(self, queue: Queue) -> None:
        for number, pid in queue.to_stop():
            if pid in self._workers and number not in self._told_to_stop:
                self._told_to_stop.add(number)
                os.kill(pid, signal.SIGTERM)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        """The first signal goes to the workers, which give back what they have; the next kills."""
        passed_on = signal.SIGKILL if self._signal else number
        self._signal = self._signal or number
        for pid in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, passed_on)
