"""Slots, counters, GPU ids, mutexes and equal work, shared by runs."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from amelio.engine.neighbours import Neighbours


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Neighbours, Neighbours]:
    """Two runs that share two slots, three cores and two GPUs."""
    first, second = (
        Neighbours(tmp_path / "shared", 2, {"cpu": 3, "gpu": 2}, ["4", "7"]) for _ in range(2)
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
        found = Neighbours(Path(sys.argv[1]), 1, {}, [])
        assert found.take("a", {}, ("m",), is_alone=True) is None and found.begin_work("x")
        os.kill(os.getpid(), 9)
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True)
    assert done.returncode == -9, done.stderr
    found = Neighbours(tmp_path, 1, {}, [])
    assert found.take("a", {}, ("m",), is_alone=True) is None
    assert found.begin_work("x")
