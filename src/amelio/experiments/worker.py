"""What a worker does: one experiment after the other, in a worktree of its own."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from amelio.errors import AmelioError, EnvironmentFailedError
from amelio.experiments.entry import Experiment, Status
from amelio.experiments.home import Home
from amelio.experiments.lifeline import has_parent
from amelio.experiments.queue import Queue
from amelio.experiments.worktrees import Worktree, borrowed
from amelio.insight.wording import size

LITTLE_BYTES = 100_000_000


@dataclass(frozen=True)
class Ending:
    """How a run of an experiment ended; QUEUED gives it back."""

    status: Status
    message: str = ""


RunOne = Callable[[Experiment, Worktree, Queue, Callable[[], bool]], Ending]


class Worker:
    """Runs experiments until none waits or a signal comes.

    run_one: runs an experiment; asks its last argument whether to end early
    """

    def __init__(self, home: Home, batch: str | None, run_one: RunOne) -> None:
        self._home = home
        self._batch = batch
        self._run_one = run_one
        self._is_told_to_end = False

    def __call__(self, queue: Queue) -> None:
        parent = os.getppid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        with borrowed(self._home.worktrees, self._home.top) as worktree:
            while not self._is_told_to_end and has_parent(parent):
                experiment = queue.claim(os.getpid(), self._batch)
                if experiment is None:
                    return
                ending = self._run(experiment, worktree, queue)
                if ending.status is Status.QUEUED and queue.is_to_stop(experiment):
                    ending = Ending(Status.STOPPED)
                    self._is_told_to_end = False
                queue.end(experiment, ending.status, ending.message)
                if ending.status is Status.QUEUED:
                    return

    def _run(self, experiment: Experiment, worktree: Worktree, queue: Queue) -> Ending:
        queue.note(experiment, tree=worktree.tree)
        try:
            return self._run_one(experiment, worktree, queue, lambda: self._is_told_to_end)
        except AmelioError as error:
            room = ""
            if isinstance(error, EnvironmentFailedError):
                room = self._little_room(worktree)
                worktree.discard()
            return Ending(Status.FAILED, f"{error}{room}")
        except Exception as error:  # the worker's border: the others go on
            print(traceback.format_exc(), file=sys.stderr)
            worktree.discard()
            return Ending(Status.FAILED, f"a bug of ours: {type(error).__name__}: {error}")

    def _little_room(self, worktree: Worktree) -> str:
        """Says so when a disk is nearly full: Git does not."""
        for folder in (worktree.folder, self._home.folder):
            free_bytes = shutil.disk_usage(folder).free
            if free_bytes < LITTLE_BYTES:
                return f"\nonly {size(free_bytes)} are free at {folder}"
        return ""

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told_to_end = True
