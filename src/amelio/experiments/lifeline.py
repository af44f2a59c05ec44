"""Processes that must not outlive the one that started them."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when `parent`, its parent, is gone (Linux).

    Elsewhere only `has_parent` tells, which crews and workers ask from time to time.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if not has_parent(parent):  # it went before we had asked
        os.kill(os.getpid(), number)


def has_parent(parent: int) -> bool:
    """Whether `parent` still is this process's parent."""
    return os.getppid() == parent
