"""Rounds, turns and percentiles, with a clock of our own."""

import numpy as np
import pytest

from amelio.vision.evaluation.timing import MIN_CALLS, Timing, measure


class Bench:
    """Works that take as long as they are told to, and note that they ran."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def clock(self) -> float:
        return self.now

    def work(self, name: str, seconds: float) -> None:
        self.calls.append(name)
        self.now += seconds


def test_works_take_turns_in_rounds_after_warming_up() -> None:
    bench = Bench()
    works = {
        "quick": lambda: bench.work("quick", 0.1),
        "slow": lambda: bench.work("slow", 2.0),
    }
    timings = measure(works, rounds=2, round_s=0.95, clock=bench.clock)
    warm, turn = ["quick"] * 5 + ["slow"] * MIN_CALLS, ["quick"] * 10 + ["slow"] * MIN_CALLS
    assert bench.calls == warm + turn + turn
    assert [len(calls) for calls in timings["quick"].rounds] == [10, 10]
    assert timings["slow"].medians_ms() == pytest.approx((2000, 2000))
    assert timings["slow"].rates(8) == pytest.approx((4, 4))


def test_percentiles_are_over_all_calls_and_spread_over_rounds() -> None:
    timing = Timing(((0.001, 0.002, 0.003), (0.004, 0.005, 0.1)))
    calls = [1, 2, 3, 4, 5, 100]
    assert timing.percentile_ms(0.95) == pytest.approx(np.percentile(calls, 95))
    assert timing.medians_ms() == pytest.approx((2, 5))
