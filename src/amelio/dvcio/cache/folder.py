"""A folder that is to be DVC's cache: made, tried, and what the present cache holds."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amelio.dvcio.cache.links import working_links
from amelio.errors import EnvironmentFailedError

OTHERS_WRITE = 0o020  # of the group


@dataclass(frozen=True)
class CacheFolder:
    """A usable cache.

    was_made: whether it was not there before
    links: kinds of links into the workspace that work
    is_shared: whether the group may write in it
    """

    path: Path
    was_made: bool
    links: tuple[str, ...]
    is_shared: bool


def prepare_cache(path: Path, workspace: Path) -> CacheFolder:
    """Make `path` if it is not there, and see that files can be written, read and linked.

    Raises EnvironmentFailedError when that is not so.
    """
    was_made = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".amelio-", dir=path) as file:
            file.write(b"amelio")
            file.flush()
            Path(file.name).read_bytes()
    except OSError as error:
        raise EnvironmentFailedError(
            f"cannot be a cache: {error.strerror or error}",
            path=path,
            hint=f"who may do so: sudo install -d -m 2775 -g GROUP {path} (GROUP: its users' one)",
        ) from error
    shared = bool(path.stat().st_mode & OTHERS_WRITE)
    return CacheFolder(path, was_made, working_links(path, workspace), shared)


def stored_size(cache: Path) -> tuple[int, int]:
    """How many files DVC has in the folder `cache`, and their bytes."""
    sizes = [
        entry.stat().st_size
        for folder, _, names in os.walk(cache / "files")
        for entry in (Path(folder, name) for name in names)
    ]
    return len(sizes), sum(sizes)
