"""What a worker does: one experiment after the other, in a worktree of its own."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from amelio import disk
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
        with ExitStack() as stack:
            try:
                worktree = stack.enter_context(borrowed(self._home.worktrees, self._home.top))
            except (AmelioError, OSError) as error:
                self._refuse(queue, error)
                return
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

    def _refuse(self, queue: Queue, error: AmelioError | OSError) -> None:
        """Without a worktree no experiment can run: one hears why, in place of the crew's hiring
        worker after worker.
        """
        experiment = queue.claim(os.getpid(), self._batch)
        if experiment is not None:
            queue.end(experiment, Status.FAILED, f"{_told(error)}{self._little_room()}")

    def _run(self, experiment: Experiment, worktree: Worktree, queue: Queue) -> Ending:
        queue.note(experiment, tree=worktree.tree)
        try:
            return self._run_one(experiment, worktree, queue, lambda: self._is_told_to_end)
        except (AmelioError, OSError) as error:
            room = ""
            if isinstance(error, (EnvironmentFailedError, OSError)):
                room = self._little_room()
                worktree.discard()
            return Ending(Status.FAILED, f"{_told(error)}{room}")
        except Exception as error:  # the worker's border: the others go on
            print(traceback.format_exc(), file=sys.stderr)
            worktree.discard()
            return Ending(Status.FAILED, f"a bug of ours: {type(error).__name__}: {error}")

    def _little_room(self) -> str:
        """Says so when a disk is nearly full: Git does not."""
        for folder in filter(Path.is_dir, (self._home.worktrees, self._home.folder)):
            free_bytes = shutil.disk_usage(folder).free
            if free_bytes < LITTLE_BYTES:
                return f"\nonly {size(free_bytes)} are free at {folder}"
        return ""

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told_to_end = True


def _told(error: AmelioError | OSError) -> str:
    return disk.told(error) if isinstance(error, OSError) else str(error)
