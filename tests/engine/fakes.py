"""A repository and an executor in memory, for properties of the loop."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amelio.model import (
    OutputFact,
    Policy,
    Reason,
    ReasonKind,
    Selection,
    Stage,
    Task,
    UnsafeParameter,
    Verdict,
    Watched,
    never,
)

Recorded = tuple[tuple[Any, ...], Any]


class FakeWorkspace:
    """Each stage makes one value out of its own number and the values that it needs.

    values: what "stands in the workspace"; lock: what is recorded, as (inputs, value)
    """

    def __init__(self, root: Path, stages: Sequence[Stage], seeds: Mapping[str, int]) -> None:
        self.root = root
        self.stages = {stage.id: stage for stage in stages}
        self.seeds = dict(seeds)
        self.values: dict[str, Any] = {}
        self.lock: dict[str, Recorded] = {}
        self.queued: dict[str, Recorded] = {}
        self.claimed: set[str] = set()
        self.is_locked = False

    def inputs(self, stage: str) -> tuple[Any, ...]:
        """What the stage's value is made of."""
        needs = self.stages[stage].needs
        return (self.seeds[stage], *(self.values.get(need) for need in needs))

    @contextmanager
    def session(self, *, is_dry: bool = False) -> Iterator[None]:
        del is_dry
        yield

    @contextmanager
    def locked(self, gives_up: Callable[[], bool] = never) -> Iterator[None]:
        assert not gives_up()
        assert not self.is_locked
        self.is_locked = True
        yield
        self.is_locked = False

    def plan(self, selection: Selection) -> Sequence[Stage]:
        del selection
        return list(self.stages.values())

    def judge(self, stage: str, policy: Policy) -> Verdict:
        del policy
        assert self.is_locked
        if self.lock.get(stage) == (self.inputs(stage), self.values.get(stage)):
            return Verdict()
        return Verdict((Reason(ReasonKind.DATA),))

    def refresh(self, stages: Iterable[str]) -> None:
        assert not self.claimed & set(stages)

    def pull(self, stage: str) -> bool:
        raise NotImplementedError(stage)

    def unsafe_parameters(self, stage: str) -> Sequence[UnsafeParameter]:
        del stage
        return ()

    def claim(self, stage: str) -> None:
        assert stage not in self.claimed
        self.claimed.add(stage)

    def release(self, stage: str) -> None:
        self.claimed.discard(stage)

    def is_cached(self, stage: str, policy: Policy) -> bool:
        del stage, policy
        return False

    def restore(self, stage: str, policy: Policy) -> list[OutputFact]:
        raise NotImplementedError(stage, policy)

    def has_stored(self, stage: str) -> bool:
        raise NotImplementedError(stage)

    def require_data(self, stage: str) -> None:
        raise NotImplementedError(stage)

    def require_room(self, stage: str, policy: Policy) -> None:
        """There is always room in memory."""

    def prepare(self, stage: str, policy: Policy) -> Task:
        del policy
        return Task(stage, (("x",),), ("x",), self.root, {}, (), repr(self.inputs(stage)))

    def changed_inputs(self, stage: str, paths: Sequence[str]) -> list[str]:
        del stage
        return list(paths)

    def record(
        self, stage: str, policy: Policy, note: Callable[[Mapping[str, str]], None]
    ) -> list[OutputFact]:
        del policy
        assert self.is_locked
        note({})
        self.queued[stage] = (self.inputs(stage), self.values[stage])
        return []

    def output_hashes(self, stage: str) -> Mapping[str, str]:
        del stage
        return {}

    def sweep(self, before: float) -> None:
        del before  # it has no cache

    def flush(self) -> None:
        self.lock.update(self.queued)
        self.queued.clear()

    def run_internal(self, stage: str, policy: Policy) -> list[OutputFact]:
        raise NotImplementedError(stage, policy)

    def parameters(self, stage: str) -> Mapping[str, Any]:
        del stage
        return {}

    def metric_files(self) -> Mapping[str, str]:
        return {}

    def read_metric(self, path: str) -> Any:
        raise NotImplementedError(path)

    def probe_environment(self) -> Mapping[str, str]:
        return {}

    def outputs_asking(self, probe: str) -> Sequence[str]:
        raise NotImplementedError(probe)

    def input_signature(self, stage: str) -> str:
        return repr(self.inputs(stage))

    def is_stored(self, path: str, stage: str) -> bool:
        raise NotImplementedError(path, stage)

    def owned_paths(self) -> Mapping[str, str]:
        return {}

    def is_rightful(self, path: str) -> bool:
        raise NotImplementedError(path)

    def secure_cache(self, paths: Sequence[str], since: float) -> list[str]:
        raise NotImplementedError(paths, since)

    def facts(self, stage: str) -> list[OutputFact]:
        del stage
        return []

    def revision(self) -> str | None:
        return None

    def run_parameters(self) -> Mapping[str, Any]:
        return {}

    def watched(self) -> Watched | None:
        return None


class FakeExecutor:
    """Makes the values of stages, which end in any order.

    failing: stages whose command fails; order: what was started, in order
    ends_first: how the names of those start that end before others
    """

    def __init__(
        self,
        workspace: FakeWorkspace,
        chance: random.Random,
        failing: set[str],
        jobs: int,
        ends_first: str = "",
    ) -> None:
        self._ends_first = ends_first
        self._ws = workspace
        self._chance = chance
        self._failing = failing
        self._jobs = jobs
        self._waiting: dict[str, tuple[str, Any]] = {}
        self.order: list[str] = []

    @property
    def running(self) -> set[str]:
        return set(self._waiting)

    def start(self, folder: Path, stage: str, order: dict[str, Any]) -> None:
        del folder
        made = None if stage in self._failing else (stage, self._ws.inputs(stage))
        self._waiting[order["attempt"]] = (stage, made)
        self.order.append(stage)
        assert len(self._waiting) <= self._jobs

    def wait(self, timeout_s: float | None) -> list[dict[str, Any]]:
        if timeout_s is not None and self._chance.random() < 0.3:
            return []
        first = [a for a, (stage, _) in self._waiting.items() if stage.startswith(self._ends_first)]
        if self._ends_first and first:
            return [self._end(first[0])]
        n = self._chance.randint(1, len(self._waiting))
        return [self._end(a) for a in self._chance.sample(sorted(self._waiting), n)]

    def _end(self, attempt: str) -> dict[str, Any]:
        stage, made = self._waiting.pop(attempt)
        if made is not None:
            self._ws.values[stage] = made
        now = time.time()
        return {
            "attempt": attempt, "code": int(made is None), "signal": 0, "timed_out": False,
            "stragglers": False, "started": now, "ended": now, "cpu_s": 0.0, "peak_bytes": 0,
            "read_bytes": 0, "written_bytes": 0, "inputs": {}, "outputs": {},
        }  # fmt: skip

    def signal(self, number: int) -> None:
        raise NotImplementedError(number)

    def close(self) -> None:
        """Nothing to end."""
