"""Work in threads and in processes: in order, ahead, and ended when it should be."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from amelio.errors import EnvironmentFailedError
from amelio.vision.parallel import in_order
from tests.faults.project import is_alive, wait_for

PARENT = """\
import os, sys, time
from amelio.vision.parallel import in_order
for pid in in_order(lambda n: (time.sleep(0.2), os.getpid())[1], range(1000), 2, in_processes=True):
    print(pid, flush=True)
"""


@pytest.mark.parametrize("in_processes", [False, True])
def test_results_come_in_order(*, in_processes: bool) -> None:
    def slower_first(n: int) -> tuple[int, int]:
        time.sleep(0.05 / (1 + n))
        return n, os.getpid()

    found = list(in_order(slower_first, range(20), 3, in_processes=in_processes))
    assert [n for n, _ in found] == list(range(20))
    assert ({pid for _, pid in found} == {os.getpid()}) != in_processes


def test_few_tasks_are_taken_ahead_and_none_after_the_caller_stops() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for n in range(100):
            taken.append(n)
            yield n

    results = in_order(lambda n: n, tasks(), 2, in_processes=True)
    assert next(results) == 0
    assert isinstance(results, Generator)
    results.close()
    assert len(taken) <= 5
    assert multiprocessing.active_children() == []


def test_what_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda n: 1 // n, [1, 0], 2, in_processes=True))


def test_a_killed_worker_is_told() -> None:
    def work(n: int) -> int:
        if n == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    with pytest.raises(EnvironmentFailedError, match="a worker process was killed"):
        list(in_order(work, range(8), 2, in_processes=True))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(number: signal.Signals, tmp_path: Path) -> None:
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=said, text=True
        )
    assert process.stdout
    workers = {process.stdout.readline().strip() for _ in range(4)}
    assert len(workers) == 2
    process.send_signal(number)
    process.communicate(timeout=20)
    wait_for(lambda: not any(map(is_alive, workers)), "the end of the workers", 10)
    assert (tmp_path / "said").read_text().count("Traceback") == int(number == signal.SIGINT)
