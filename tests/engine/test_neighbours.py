"""Slots, counters, GPU ids, mutexes and equal work, shared by runs."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from amelio.engine.neighbours import Neighbours


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Neighbours, Neighbours]:
    """Two runs that share two slots, three cores and two GPUs."""
    first, second = (
        Neighbours(tmp_path / "shared", turn, 2, {"cpu": 3, "gpu": 2, "slot": 1}, ["4", "7"])
        for turn in (1, 2)
    )
    return first, second


def test_slots_are_shared_and_come_back(pair: tuple[Neighbours, Neighbours]) -> None:
    one, two = pair
    assert one.take("a", {}, (), is_alone=False) is None
    assert one.take("a", {}, (), is_alone=False) is None
    assert two.take("a", {}, (), is_alone=False) is None
    assert two.take("b", {}, (), is_alone=False) == "a job"
    one.give_back("a")
    assert two.take("b", {}, (), is_alone=False) is None


def test_a_gpu_is_given_to_one_stage_at_a_time(pair: tuple[Neighbours, Neighbours]) -> None:
    one, two = pair
    assert one.take("a", {"gpu": 1}, (), is_alone=False) is None
    assert two.take("a", {"gpu": 1}, (), is_alone=False) is None
    assert {*one.gpus("a"), *two.gpus("a")} == {"4", "7"}


def test_what_cannot_be_had_whole_is_not_taken_in_part(
    pair: tuple[Neighbours, Neighbours],
) -> None:
    one, two = pair
    assert one.take("a", {"cpu": 2}, ("disk",), is_alone=False) is None
    assert two.take("a", {"cpu": 2}, (), is_alone=False) == "cpu"
    assert two.take("a", {"cpu": 1}, ("disk",), is_alone=False) == "disk"
    assert two.take("a", {"cpu": 1}, ("net",), is_alone=False) is None


def test_alone_means_no_other_run_at_all(pair: tuple[Neighbours, Neighbours]) -> None:
    one, two = pair
    assert one.take("a", {}, (), is_alone=False) is None
    assert two.take("b", {}, (), is_alone=True) == "all jobs"
    one.give_back("a")
    assert two.take("b", {}, (), is_alone=True) is None
    assert one.take("a", {}, (), is_alone=False) == "a job"


def test_a_counter_may_be_called_as_anything(pair: tuple[Neighbours, Neighbours]) -> None:
    one, two = pair
    assert one.take("a", {"slot": 1}, (), is_alone=False) is None
    assert two.take("a", {"slot": 1}, (), is_alone=False) == "slot"
    assert two.take("a", {}, (), is_alone=False) is None


@pytest.mark.parametrize(
    ("wanted", "alone", "told"),
    [({}, True, "all jobs"), ({"cpu": 3}, False, "cpu"), ({"gpu": 2}, False, "gpu")],
)
def test_what_needs_much_gets_its_turn_before_later_runs(
    pair: tuple[Neighbours, Neighbours], wanted: dict[str, int], alone: bool, told: str
) -> None:
    one, two = pair
    little = dict.fromkeys(wanted, 1)
    assert two.take("a", little, (), is_alone=False) is None
    assert one.take("big", wanted, (), is_alone=alone) == told
    assert two.take("b", little, (), is_alone=False) is not None  # though one is free
    two.give_back("a")
    assert two.take("b", little, (), is_alone=False) is not None
    assert one.take("big", wanted, (), is_alone=alone) is None
    one.give_back("big")
    assert two.take("b", little, (), is_alone=False) is None


def test_what_needs_much_does_not_hold_up_earlier_runs_nor_what_needs_something_else(
    pair: tuple[Neighbours, Neighbours],
) -> None:
    one, two = pair
    assert one.take("a", {"gpu": 1}, (), is_alone=False) is None
    assert two.take("big", {"gpu": 2}, (), is_alone=False) == "gpu"
    assert one.take("b", {"gpu": 1}, (), is_alone=False) is None
    one.give_back("a")
    one.give_back("b")
    assert two.take("big", {"gpu": 2}, (), is_alone=False) is None
    assert one.take("big", {"gpu": 2}, (), is_alone=False) == "gpu"
    two.give_back("big")
    assert two.take("plain", {}, (), is_alone=False) is None


@pytest.mark.parametrize("leaves", [Neighbours.close, lambda run: run.leave_line("big")])
def test_who_waits_no_longer_holds_nobody_up(
    pair: tuple[Neighbours, Neighbours], leaves: Callable[[Neighbours], None]
) -> None:
    one, two = pair
    assert two.take("a", {}, (), is_alone=False) is None
    assert one.take("big", {}, (), is_alone=True) == "all jobs"
    assert two.take("b", {}, (), is_alone=False) == "a job"
    leaves(one)
    assert two.take("b", {}, (), is_alone=False) is None


def test_equal_work_is_done_by_one(pair: tuple[Neighbours, Neighbours]) -> None:
    one, two = pair
    assert one.begin_work("x")
    assert not two.begin_work("x")
    assert two.is_at_work("x")
    assert two.begin_work("y")
    one.end_work("x")
    assert not two.is_at_work("x")
    assert two.begin_work("x")


def test_a_dead_run_leaves_everything_to_the_others(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from amelio.engine.neighbours import Neighbours
        found = Neighbours(Path(sys.argv[1]), 1, 2, {"cpu": 2}, [])
        assert found.take("a", {}, ("m",), is_alone=False) is None and found.begin_work("x")
        assert found.take("big", {}, (), is_alone=True) == "all jobs"
        os.kill(os.getpid(), 9)
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True)
    assert done.returncode == -9, done.stderr
    found = Neighbours(tmp_path, 2, 2, {"cpu": 2}, [])
    assert found.take("a", {}, ("m",), is_alone=False) is None
    assert found.begin_work("x")
