"""What runs of several worktrees share: slots, counters, GPU ids, mutexes, and equal work.

Each unit is a file; who has it holds a `flock` on it, which ends when its process does, somehow.
So is each wait for several units: without it, runs that need one at a time could keep a stage that
needs all of them waiting for as long as there are any.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from amelio.engine.locks import is_held

SLOT = "slot"
GPU = "gpu"


@dataclass
class _Taken:
    handles: list[int] = field(default_factory=list)
    gpus: list[str] = field(default_factory=list)


class Neighbours:
    """One run's view of what it shares with others.

    folder: the same for all of them
    turn: the lower, the earlier a run came; while it waits for several units, later runs start
        nothing that needs one of them
    jobs: stages at a time, of all runs together
    totals: counters, of all runs together
    gpus: the ids behind the counter `gpu`
    """

    def __init__(
        self, folder: Path, turn: int, jobs: int, totals: Mapping[str, int], gpus: Sequence[str]
    ) -> None:
        self._folder = folder
        self._line = folder / "line"
        self._turn = turn
        self._jobs = jobs
        self._names = {
            name: [f"{GPU}.{gpu}" for gpu in gpus]
            if name == GPU
            else [f"counter.{name}.{number}" for number in range(total)]
            for name, total in totals.items()
        }
        self._taken: dict[str, _Taken] = {}
        self._waits: dict[str, tuple[str, int]] = {}  # by stage: for what, the lock that tells it
        self._work: dict[str, int] = {}
        self._line.mkdir(parents=True, exist_ok=True)

    def take(
        self, stage: str, counters: Mapping[str, int], mutexes: Iterable[str], *, is_alone: bool
    ) -> str | None:
        """Take a slot and all else that the stage needs, or nothing. None when it has them, else
        what others have, in the user's words.
        """
        if stage in self._taken:
            return None
        slots = [f"{SLOT}.{number}" for number in range(self._jobs)]
        wanted = [("all jobs" if is_alone else "a job", slots, len(slots) if is_alone else 1)]
        wanted += [(name, self._names[name], count) for name, count in counters.items()]
        wanted += [(name, [f"mutex.{_short(name)}"], 1) for name in mutexes]
        taken = _Taken()
        for told, names, count in wanted:
            kind = names[0].rpartition(".")[0] if count else ""
            if self._is_behind(kind) or not self._take_some(taken, names, count):
                _let_go(taken.handles)
                self._wait_for(stage, kind if count > 1 else None)
                return told
        self.leave_line(stage)
        self._taken[stage] = taken
        return None

    def leave_line(self, stage: str) -> None:
        """The stage waits for nothing any more."""
        kind, handle = self._waits.pop(stage, ("", -1))
        if kind:
            (self._line / f"{kind}.{self._turn}").unlink(missing_ok=True)
            os.close(handle)

    def gpus(self, stage: str) -> tuple[str, ...]:
        """The ids that the stage was given."""
        return tuple(self._taken[stage].gpus)

    def give_back(self, stage: str) -> None:
        """Give back what the stage has, if anything."""
        taken = self._taken.pop(stage, None)
        if taken:
            _let_go(taken.handles)

    def begin_work(self, signature: str) -> bool:
        """Whether this run is the one to do the work; False while another one does it."""
        if signature not in self._work:
            handle = self._locked(f"work.{_short(signature)}")
            if handle is None:
                return False
            self._work[signature] = handle
        return True

    def end_work(self, signature: str) -> None:
        """The work is done, or given up: others may look for its result."""
        handle = self._work.pop(signature, None)
        if handle is not None:
            os.close(handle)

    def is_at_work(self, signature: str) -> bool:
        """Whether another run does the work now."""
        handle = self._locked(f"work.{_short(signature)}")
        if handle is None:
            return True
        os.close(handle)
        return False

    def close(self) -> None:
        """Give everything back."""
        for stage in list(self._taken):
            self.give_back(stage)
        for stage in list(self._waits):
            self.leave_line(stage)
        for signature in list(self._work):
            self.end_work(signature)

    def _wait_for(self, stage: str, kind: str | None) -> None:
        """Let later runs know; None: it needs one unit, and gets it some day without that."""
        if self._waits.get(stage, ("", -1))[0] == kind:
            return
        self.leave_line(stage)
        handle = self._locked(f"{self._line.name}/{kind}.{self._turn}") if kind else None
        if kind and handle is not None:
            self._waits[stage] = kind, handle

    def _is_behind(self, kind: str) -> bool:
        """Whether an earlier run waits for several units of this kind."""
        for path in self._line.iterdir():
            waited_for, _, turn = path.name.rpartition(".")
            if waited_for == kind and int(turn) < self._turn and is_held(path):
                return True
        return False

    def _take_some(self, taken: _Taken, names: Sequence[str], count: int) -> bool:
        for name in names:
            if count == 0:
                break
            handle = self._locked(name)
            if handle is not None:
                taken.handles.append(handle)
                count -= 1
                if name.startswith(f"{GPU}."):
                    taken.gpus.append(name.removeprefix(f"{GPU}."))
        return count == 0

    def _locked(self, name: str) -> int | None:
        path = self._folder / name
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


def _let_go(handles: Iterable[int]) -> None:
    for handle in handles:
        os.close(handle)


def _short(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:32]
