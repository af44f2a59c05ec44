"""Work spread over all cores, with its results in order and only a few of them in memory."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

from amelio.errors import EnvironmentFailedError

T = TypeVar("T")
R = TypeVar("R")

_work: Callable[[Any], Any]  # of a worker process


def n_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[T], R],
    tasks: Iterable[T],
    n_workers: int | None = None,
    *,
    in_processes: bool = False,
) -> Iterator[R]:
    """Yield `work(task)` for each task, in order, computed ahead by `n_workers` threads.

    in_processes: by forks of this process instead, where Linux has them, for work that does not
        release the GIL all the time. Tasks and results are pickled, `work` is not.

    At most two tasks a worker are under way or waiting to be taken: memory stays bounded. When the
    caller stops early, no further task begins. Raises EnvironmentFailedError when a worker process
    was killed.
    """
    n_workers = n_workers or n_cores()
    pending: deque[Future[R]] = deque()
    executor, call = _executor(work, n_workers, in_processes=in_processes)
    try:
        for task in tasks:
            pending.append(executor.submit(call, task))
            if len(pending) >= 2 * n_workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise EnvironmentFailedError(
            "a worker process was killed", hint="was there too little memory? run it again"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def obey_parent() -> None:
    """In a worker process: leave Ctrl-C to the parent, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _executor(
    work: Callable[[T], R], n_workers: int, *, in_processes: bool
) -> tuple[Executor, Callable[[T], R]]:
    if in_processes and n_workers > 1 and sys.platform == "linux":
        fork = multiprocessing.get_context("fork")  # a fresh process would import torch: 2 s
        return ProcessPoolExecutor(n_workers, fork, _begin, (work,)), _do
    return ThreadPoolExecutor(n_workers, thread_name_prefix="decode"), work


def _begin(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    obey_parent()


def _do(task: Any) -> Any:
    return _work(task)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
