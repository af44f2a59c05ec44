"""What runs of several worktrees share: slots, counters, GPU ids, mutexes, and equal work.

Each unit is a file; who has it holds a `flock` on it, which ends when its process does, somehow.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

SLOT = "slot"
GPU = "gpu"


@dataclass
class _Taken:
    handles: list[int] = field(default_factory=list)
    gpus: list[str] = field(default_factory=list)


class Neighbours:
    """One run's view of what it shares with others.

    folder: the same for all of them
    jobs: stages at a time, of all runs together
    totals: counters, of all runs together
    gpus: the ids behind the counter `gpu`
    """

    def __init__(
        self, folder: Path, jobs: int, totals: Mapping[str, int], gpus: Sequence[str]
    ) -> None:
        self._folder = folder
        self._jobs = jobs
        self._names = {
            name: [f"{GPU}.{gpu}" for gpu in gpus]
            if name == GPU
            else [f"{name}.{number}" for number in range(total)]
            for name, total in totals.items()
        }
        self._taken: dict[str, _Taken] = {}
        self._work: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

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
            if not self._take_some(taken, names, count):
                _let_go(taken.handles)
                return told
        self._taken[stage] = taken
        return None

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
        for signature in list(self._work):
            self.end_work(signature)

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
