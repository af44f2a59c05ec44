"""Named points at which a test can make amelio die, run out of disk or stall:
`AMELIO_FAULT=point:action[:nth]`.
"""

import errno
import os
import signal
import time

POINTS = (
    "start.before_journal",
    "start.after_journal",
    "start.after_aside",
    "start.after_spawn",
    "exit.before_commit",
    "commit.after_cache",
    "commit.before_write",
    "commit.before_rename",
    "commit.after_rename",
    "close.before_journal",
    "close.before_discard",
    "put_back.before_move",
    "put_back.after_move",
    "restore.after_aside",
    "restore.after_checkout",
)
SLEEP_S = 2.0
_ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}
_hits: dict[str, int] = {}


def reach(point: str) -> None:
    """Do what AMELIO_FAULT asks for at `point`: kill, enospc, eio or sleep; nothing when it names
    another.
    """
    order = os.environ.get("AMELIO_FAULT")
    if not order or order.partition(":")[0] != point:
        return
    _, action, *nth = order.split(":")
    _hits[point] = _hits.get(point, 0) + 1
    if nth and int(nth[0]) != _hits[point]:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(SLEEP_S)
    else:
        code = _ERRORS[action]
        raise OSError(code, os.strerror(code), point)
