"""A stage's whole process tree: adopt, signal and end it, whatever it did to get away."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH123, PTH208

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Collection
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.01


_prctl: Any
try:
    _prctl = ctypes.CDLL(None).prctl  # looked up once, before guards are forked
except (OSError, AttributeError):
    _prctl = None


def adopt_orphans() -> bool:
    """Become the parent of every orphan below (Linux). False where the system cannot."""
    return _prctl is not None and bool(_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def reap() -> None:
    """Take the exit status of every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants() -> list[int]:
    """Every living process below this one, parents first (Linux: from /proc)."""
    parents = _living()
    return _below(parents.get(os.getpid(), []), parents)


def end_strays(known: Collection[int]) -> None:
    """Kill all below this process that is not one of its children `known`, or below one."""
    while True:
        parents = _living()
        mine = [pid for pid in parents.get(os.getpid(), []) if pid not in known]
        if not mine:
            return
        for pid in _below(mine, parents):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)
        for pid in mine:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _living() -> dict[int, list[int]]:
    """Parent → children, of every living process."""
    parents: dict[int, list[int]] = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        return {}
    for name in names:
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] != b"Z":
            parents.setdefault(int(fields[1]), []).append(int(name))
    return parents


def _below(tops: list[int], parents: dict[int, list[int]]) -> list[int]:
    found = list(tops)
    for pid in found:
        found.extend(parents.get(pid, []))
    return found


def has_children() -> bool:
    """True while a child lives or waits to be reaped."""
    reap()
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def signal_tree(group: int, number: int) -> None:
    """Send a signal to the command's process group and to all that left it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_tree(group: int, grace_s: float, is_hurried: Callable[[], bool]) -> None:
    """TERM, then KILL, after `grace_s` or once `is_hurried()`, until nothing is left."""
    signal_tree(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while has_children() and time.monotonic() < deadline and not is_hurried():
        time.sleep(POLL_S)
    while has_children():
        signal_tree(group, signal.SIGKILL)
        time.sleep(POLL_S)
