"""A disk without room, in words."""

import errno
import os
import shutil
from typing import TypeGuard

from amelio.quantities import size

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
UNUSABLE = NO_ROOM | {errno.EIO, errno.EROFS, errno.EACCES}
LITTLE_BYTES = 20_000_000


def told(error: OSError) -> str:
    """The system's error with the path; for a full disk, with the room that it has left."""
    path = error.filename or ""
    place = f"{os.fsdecode(path)}: " if path else ""
    words = f"{place}{error.strerror or error}"
    return f"{words} ({left(os.fsdecode(path))})" if error.errno in NO_ROOM else words


def is_to_blame(error: Exception) -> TypeGuard[OSError]:
    """Whether the disk is full, broken or not ours to write on: nobody's bug."""
    return isinstance(error, OSError) and error.errno in UNUSABLE


def left(path: str) -> str:
    """How much room the disk of `path`, or of the working directory, has."""
    folder = os.path.abspath(path or ".")  # noqa: PTH100 - strings, as in the error
    while not os.path.isdir(folder):  # noqa: PTH112
        folder = os.path.dirname(folder)  # noqa: PTH120
    return f"the disk of {folder} has {size(shutil.disk_usage(folder).free)} left"


def shortage(path: str) -> str:
    """What to add to a failure there: that the disk is nearly full, where it is."""
    return f"; {left(path)}" if shutil.disk_usage(path).free < LITTLE_BYTES else ""
