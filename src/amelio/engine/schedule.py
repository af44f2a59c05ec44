"""Which stage may start next. Pure: knows order, readiness, slots, mutexes and counters, and
nothing of files.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from amelio.engine.neighbours import Neighbours
from amelio.engine.settings import StageSettings, place_in_file
from amelio.errors import InputError
from amelio.model import Stage
from amelio.yaml_places import line_of

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Grant:
    """What a started stage holds until it ends."""

    mutex: tuple[str, ...]
    counters: Mapping[str, int]
    gpus: tuple[str, ...]
    threads: int | None

    def environment(self) -> dict[str, str]:
        """The variables through which the command learns what it was given."""
        env = {name: str(self.threads) for name in THREAD_VARIABLES} if self.threads else {}
        if self.gpus:
            env["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)
        return env


class Schedule:
    """A stage is startable when all it needs is done, a slot is free, and its mutexes and counters
    are too.

    jobs: how many slots there are. With one, stages go in serial order. With more, the one with the
        longest expected path behind it goes first. A stage that does not get its counters does not
        hold up others that do.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        settings: Mapping[str, StageSettings],
        jobs: int,
        totals: Mapping[str, int],
        gpus: Sequence[str] = (),
        expected_s: Mapping[str, float] | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.jobs = jobs
        self._neighbours = neighbours
        self._settings = settings
        self._totals = dict(totals)
        self._free = dict(totals)
        self._gpus = list(gpus)
        self._rank = {stage.id: rank for rank, stage in enumerate(stages)}
        self._waits_for = {stage.id: set(stage.needs) for stage in stages}
        self._dependents: dict[str, list[str]] = {stage.id: [] for stage in stages}
        for stage in stages:
            for need in dict.fromkeys(stage.needs):
                self._dependents[need].append(stage.id)
        self._grants: dict[str, Grant] = {}
        self._resting: set[str] = set()
        self._mutexes: set[str] = set()
        self._open = set(self._rank)
        self._check(stages)
        path_s = longest_paths(stages, expected_s or {})
        self._priority = {
            key: (0.0 if jobs == 1 else -path_s[key], rank) for key, rank in self._rank.items()
        }
        self._ready = sorted(  # best first
            (self._priority[key], key) for key, needs in self._waits_for.items() if not needs
        )

    @property
    def is_done(self) -> bool:
        """Every stage has ended, one way or another."""
        return not self._open

    @property
    def n_running(self) -> int:
        """Stages that hold a slot."""
        return len(self._grants)

    def startable(self) -> Iterator[str]:
        """Stages that could start now, best first; none when no slot is free."""
        if len(self._grants) < self.jobs:
            yield from (key for _, key in self._ready if self._fits(key))

    def is_urgent(self, stage: str) -> bool:
        """Whether the stage's end makes one ready with a longer path than what could start now."""
        n_free = self.jobs - len(self._grants)
        next_ones = [self._priority[key] for key in islice(self.startable(), n_free)]
        return bool(next_ones) and any(
            self._waits_for[key] == {stage} and self._priority[key][0] < next_ones[-1][0]
            for key in self._dependents[stage]
        )

    def reserve(self, stage: str) -> str | None:
        """None when other runs leave over what a startable stage needs; it then has it, until it
        has ended or is let go. Else what it has to wait for.
        """
        if self._neighbours is None:
            return None
        wanted = self._settings[stage]
        return self._neighbours.take(
            stage, self._counters(stage), wanted.mutex, is_alone=wanted.is_alone
        )

    def let_go(self, stage: str) -> None:
        """Leave to other runs what was reserved, unless the stage was started."""
        if self._neighbours is not None and stage not in self._grants:
            self._neighbours.give_back(stage)

    def start(self, stage: str) -> Grant:
        """Give the stage its slot, mutexes and counters."""
        wanted = self._settings[stage]
        counters = self._counters(stage)
        for name, count in counters.items():
            self._free[name] -= count
        if self._neighbours is not None:
            gpus = self._neighbours.gpus(stage)
        else:
            gpus = tuple(self._gpus[: counters.get("gpu", 0)])
            del self._gpus[: len(gpus)]
        self._mutexes.update(wanted.mutex)
        self._drop(stage)
        grant = Grant(wanted.mutex, counters, gpus, counters.get("cpu"))
        self._grants[stage] = grant
        return grant

    def stop(self, stage: str) -> None:
        """Take back what the stage holds; it is ready again."""
        self.vacate(stage)
        self._resting.discard(stage)
        insort(self._ready, (self._priority[stage], stage))

    def vacate(self, stage: str) -> None:
        """Its commands have ended: others may have what it holds, before it has ended itself."""
        grant = self._grants.pop(stage, None)
        if grant is None:
            return
        self._resting.add(stage)
        for name, count in grant.counters.items():
            self._free[name] += count
        if self._neighbours is not None:
            self._neighbours.give_back(stage)
        else:
            self._gpus.extend(grant.gpus)
        self._mutexes.difference_update(grant.mutex)

    def finish(self, stage: str) -> None:
        """The stage is done: those that waited for it only are ready."""
        self.vacate(stage)
        self._drop(stage)
        self._open.discard(stage)
        for dependent in self._dependents[stage]:
            self._waits_for[dependent].discard(stage)
            if not self._waits_for[dependent] and dependent in self._open:
                insort(self._ready, (self._priority[dependent], dependent))

    def fail(self, stage: str) -> list[str]:
        """It failed: all that need it will not run. Returns those, in serial order."""
        self.vacate(stage)
        lost = self._behind(stage)
        for key in lost:
            self._drop(key)
        self._open.difference_update(lost)
        return sorted(lost - {stage}, key=self._rank.__getitem__)

    def abandon(self) -> list[str]:
        """Nothing more will start. Returns what has not, in serial order."""
        lost = self._open - set(self._grants) - self._resting
        self._open -= lost
        self._ready.clear()
        for stage in lost:
            self._leave_line(stage)
        return sorted(lost, key=self._rank.__getitem__)

    def dependents(self, stage: str) -> list[str]:
        """The stages that need this one directly."""
        return self._dependents[stage]

    def _drop(self, stage: str) -> None:
        """It is not, or no longer, among the ready ones."""
        self._resting.discard(stage)
        self._leave_line(stage)
        entry = (self._priority[stage], stage)
        place = bisect_left(self._ready, entry)
        if self._ready[place : place + 1] == [entry]:
            del self._ready[place]

    def _leave_line(self, stage: str) -> None:
        if self._neighbours is not None:
            self._neighbours.leave_line(stage)

    def _behind(self, stage: str) -> set[str]:
        found = {stage}
        waiting = [stage]
        while waiting:
            for dependent in self._dependents[waiting.pop()]:
                if dependent in self._open and dependent not in found:
                    found.add(dependent)
                    waiting.append(dependent)
        return found

    def _counters(self, stage: str) -> dict[str, int]:
        wanted = self._settings[stage].resources
        return {
            name: min(count, self._totals["cpu"]) if name == "cpu" else count
            for name, count in wanted.items()
        }

    def _fits(self, stage: str) -> bool:
        if self._grants and (
            self._settings[stage].is_alone or any(self._settings[s].is_alone for s in self._grants)
        ):
            return False
        if not self._mutexes.isdisjoint(self._settings[stage].mutex):
            return False
        return all(self._free[name] >= count for name, count in self._counters(stage).items())

    def _check(self, stages: Sequence[Stage]) -> None:
        for stage in stages:
            for name, count in self._counters_checked(stage):
                if count > self._totals[name]:
                    raise InputError(
                        f"{stage.name}: meta.amelio.resources.{name}: {count} can never be had,"
                        f" there {'is' if self._totals[name] == 1 else 'are'} {self._totals[name]}",
                        path=stage.place,
                        line=line_of(stage.place, [*place_in_file(stage.name), "resources", name]),
                        hint=f"ask for less, or set resources.{name} in amelio.yaml",
                    )

    def _counters_checked(self, stage: Stage) -> list[tuple[str, int]]:
        wanted = self._settings[stage.id].resources
        for name in wanted:
            if name not in self._totals:
                raise InputError(
                    f"{stage.name}: meta.amelio.resources.{name}: can never be had:"
                    " nobody says how many there are",
                    path=stage.place,
                    line=line_of(stage.place, [*place_in_file(stage.name), "resources", name]),
                    hint=f"set resources.{name} in amelio.yaml",
                )
        return list(self._counters(stage.id).items())


def longest_paths(stages: Sequence[Stage], expected_s: Mapping[str, float]) -> dict[str, float]:
    """For each stage the expected seconds from its start to the end of the longest chain behind it.

    A stage without a record counts as the mean of those with one.
    """
    known = [expected_s[stage.id] for stage in stages if stage.id in expected_s]
    default_s = sum(known) / len(known) if known else 1.0
    behind_s = dict.fromkeys((stage.id for stage in stages), 0.0)
    path_s: dict[str, float] = {}
    for stage in reversed(_in_order(stages)):
        path_s[stage.id] = expected_s.get(stage.id, default_s) + behind_s[stage.id]
        for need in stage.needs:
            behind_s[need] = max(behind_s[need], path_s[stage.id])
    return path_s


def _in_order(stages: Sequence[Stage]) -> list[Stage]:
    from graphlib import TopologicalSorter

    by_id = {stage.id: stage for stage in stages}
    order = TopologicalSorter({stage.id: stage.needs for stage in stages}).static_order()
    return [by_id[key] for key in order]
