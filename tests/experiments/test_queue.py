"""The queue alone: claims, leases, tries, names."""

import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments.entry import Order, Status
from amelio.experiments.queue import LEASE_S, MAX_TRIES, Queue

MakeQueue = Callable[[], Queue]


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Shared by a test and its queues."""
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Queue:
    """A new queue."""
    return Queue(tmp_path / "queue.db", clock)


def order(name: str) -> Order:
    """An order with nothing special."""
    return Order(name, "b" * 40, "c" * 40, {"params.yaml": ("lr=1",), "other.yaml": ("a=2",)})


def dead_pid() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_an_order_comes_back_as_it_was_queued(queue: Queue) -> None:
    queue.add([order("a")], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    assert found.order == order("a")
    assert found.order.values == "lr=1 other.yaml:a=2"
    assert (found.status, found.tries, found.pid) == (Status.RUNNING, 1, os.getpid())


def test_each_is_claimed_once_oldest_first_and_by_batch(queue: Queue) -> None:
    queue.add([order("a"), order("b")], "one")
    queue.add([order("c")], "two")
    names = [getattr(queue.claim(os.getpid(), "two"), "name", None)]
    names += [getattr(queue.claim(os.getpid()), "name", None) for _ in range(3)]
    assert names == ["c", "a", "b", None]


def test_a_name_waits_or_runs_once_and_nothing_of_a_refused_batch_is_queued(queue: Queue) -> None:
    queue.add([order("a")], "one")
    with pytest.raises(InputError, match="'a' already waits or runs"):
        queue.add([order("b"), order("a")], "two")
    assert [found.name for found in queue.all()] == ["a"]


def test_what_a_dead_worker_had_waits_again_three_times_then_fails(queue: Queue) -> None:
    queue.add([order("a")], "batch")
    for n in range(1, MAX_TRIES + 1):
        found = queue.claim(dead_pid())
        assert found is not None
        assert found.tries == n
        assert queue.take_back_lost() == 1
    (found,) = queue.all()
    assert found.status is Status.FAILED
    assert "killed 3 times" in found.message
    assert queue.claim(os.getpid()) is None


def test_a_silent_worker_loses_its_experiment_and_can_no_longer_end_it(
    queue: Queue, clock: Clock
) -> None:
    queue.add([order("a")], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    clock.now += LEASE_S - 1
    queue.beat([os.getpid()])
    clock.now += LEASE_S - 1
    assert queue.take_back_lost() == 0
    clock.now += 2
    assert queue.take_back_lost() == 1
    assert not queue.note(found, commit="d" * 40)
    assert not queue.end(found, Status.DONE)
    assert [e.status for e in queue.all()] == [Status.QUEUED]


def test_giving_back_does_not_count_as_a_try(queue: Queue) -> None:
    queue.add([order("a")], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    assert queue.end(found, Status.QUEUED)
    again = queue.claim(os.getpid())
    assert again is not None
    assert again.tries == 1


def test_stop_and_retry(queue: Queue) -> None:
    waiting, running = queue.add([order("a"), order("b")], "batch")
    queue.stop([waiting])
    found = queue.claim(os.getpid())
    assert found is not None
    assert found.id == running
    queue.stop([running])
    assert queue.to_stop() == [(running, os.getpid())]
    assert queue.is_to_stop(found)
    queue.end(found, Status.STOPPED)
    queue.retry([waiting, running])
    assert [e.status for e in queue.all()] == [Status.QUEUED, Status.QUEUED]
    assert not queue.is_to_stop(found)


def test_a_retried_one_has_nothing_of_its_earlier_try(queue: Queue) -> None:
    (number,) = queue.add([order("a")], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    queue.note(found, stage="train", metrics={"m.json:loss": 2.0}, metric_files={"m.json": 1})
    queue.end(found, Status.FAILED, "why")
    queue.retry([number])
    (waiting,) = queue.all()
    assert (waiting.stage, waiting.started, waiting.ended, waiting.message) == ("", None, None, "")
    assert waiting.metrics == {}
    again = queue.claim(os.getpid())
    assert again is not None
    assert again.metric_files == {}


def test_old_ends_are_forgotten_but_not_what_waits(queue: Queue, clock: Clock) -> None:
    queue.add([order("a"), order("b")], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    queue.end(found, Status.FAILED, "no")
    clock.now += 31 * 86400
    assert queue.forget_old() == [found.id]
    assert [e.name for e in queue.all()] == ["b"]


def test_what_is_forgotten_is_gone_but_for_what_runs(queue: Queue) -> None:
    waiting, running = queue.add([order("b"), order("a")], "batch")
    queue.stop([waiting])
    assert queue.claim(os.getpid()) is not None
    queue.forget([waiting, running])
    assert [e.id for e in queue.all()] == [running]


def test_a_torn_file_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(EnvironmentFailedError, match=r"queue\.db"):
        Queue(path)


def test_another_versions_file_is_told_apart(queue: Queue) -> None:
    with sqlite3.connect(queue.path) as file:
        file.execute("PRAGMA user_version = 1")
    file.close()
    with pytest.raises(EnvironmentFailedError, match="another version's"):
        Queue(queue.path)
