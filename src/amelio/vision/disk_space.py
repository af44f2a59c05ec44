"""A full disk is told as such, with what is needed and what is free."""

import errno
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
        raise _no_room(path, folder, needed_bytes)
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not _is_full(error):
            raise
        raise _no_room(path, folder, needed_bytes) from error


def _is_full(error: BaseException | None) -> bool:
    """Whether it was for lack of room; torch hides the OSError behind a RuntimeError."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room(path: Path, folder: Path, needed_bytes: int) -> EnvironmentFailedError:
    free = shutil.disk_usage(folder).free
    return EnvironmentFailedError(
        f"the disk is full: {_mib(needed_bytes)} are needed, {_mib(free)} are free",
        path=path,
        hint="nothing was replaced: free some space (or raise the quota) and run it again",
    )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
