"""Times of repeated work: warmed up, in several rounds, the works taking turns."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeVar

import numpy as np

Key = TypeVar("Key")

MIN_CALLS = 3  # of every work in every round


@dataclass(frozen=True)
class Timing:
    """Seconds of each call, a tuple for each round."""

    rounds: tuple[tuple[float, ...], ...]

    def percentile_ms(self, share: float) -> float:
        """Milliseconds that `share` of all calls took at most."""
        calls = [seconds for calls in self.rounds for seconds in calls]
        return 1000 * float(np.quantile(calls, share))

    def medians_ms(self) -> tuple[float, ...]:
        """Each round's median, milliseconds: how far they differ is what a figure is worth."""
        return tuple(1000 * median(calls) for calls in self.rounds)

    def rates(self, n: int) -> tuple[float, ...]:
        """Each round's items per second, when a call handles `n` of them."""
        return tuple(n / fmean(calls) for calls in self.rounds)


def measure(
    works: Mapping[Key, Callable[[], object]],
    rounds: int,
    round_s: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, Timing]:
    """Call each work again and again, at least `round_s` seconds in each round.

    The works take turns, so that a machine that slows down widens the spread of all of them
    instead of making the last one look slow.
    """
    for work in works.values():
        _round(work, round_s / 2, clock)
    turns = [
        {key: _round(work, round_s, clock) for key, work in works.items()} for _ in range(rounds)
    ]
    return {key: Timing(tuple(turn[key] for turn in turns)) for key in works}


def _round(
    work: Callable[[], object], round_s: float, clock: Callable[[], float]
) -> tuple[float, ...]:
    calls: list[float] = []
    while len(calls) < MIN_CALLS or sum(calls) < round_s:
        start = clock()
        work()
        calls.append(clock() - start)
    return tuple(calls)
