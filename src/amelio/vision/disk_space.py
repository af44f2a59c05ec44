"""A full disk is told as such, with what is needed and what is free."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amelio.errors import EnvironmentFailedError

_FULL = {errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else [])}


@contextmanager
def room_for(path: Path, needed_bytes: int) -> Iterator[None]:
    """Write about `needed_bytes` to `path` in here.

    Raises EnvironmentFailedError before it begins when there is no room, and instead of OSError
    when the disk, a quota or a limit on file sizes is reached meanwhile.
    """
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if shutil.disk_usage(folder).free < needed_bytes:
        raise _no_room(path, folder, needed_bytes, os.strerror(errno.ENOSPC))
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = _limit_reached(error)
        if reason is None:
            raise
        raise _no_room(path, folder, needed_bytes, reason) from error


def _limit_reached(error: BaseException | None) -> str | None:
    """Which limit it was, if any; torch hides the OSError behind a RuntimeError."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return error.strerror
        error = error.__cause__ or error.__context__
    return None


def _no_room(path: Path, folder: Path, needed_bytes: int, reason: str) -> EnvironmentFailedError:
    free = shutil.disk_usage(folder).free
    return EnvironmentFailedError(
        f"{reason}: {_mib(needed_bytes)} are needed, {_mib(free)} are free on the disk",
        path=path,
        hint="the file is as it was before: free some space (or raise the limit) and run it again",
    )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
