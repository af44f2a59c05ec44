"""What `dvc gc` would free: every file, its size, and which commits or experiments made it."""

import json
import logging
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from amelio.dvcio.arguments import read_arguments
from amelio.dvcio.cache.object_names import MadeBy, object_names
from amelio.dvcio.repository import open_repo
from amelio.errors import EnvironmentFailedError

CACHE = "cache"
_SELECTING = (
    "all_branches", "all_tags", "all_commits", "all_experiments", "commit_date", "cloud",
    "remote", "jobs", "repos", "workspace", "rev", "num", "not_in_remote", "skip_failed",
)  # fmt: skip
_SCOPES = (
    "all_branches", "all_tags", "all_commits", "all_experiments", "commit_date", "workspace", "rev",
)  # fmt: skip


@dataclass(frozen=True)
class Unused:
    """One file that would go.

    place: `cache` or `remote NAME`
    size_bytes: None where the remote does not tell
    made_by: the tracked path that it is of, and by whom; None where no commit knows it
    """

    place: str
    path: str
    size_bytes: int | None
    made_by: MadeBy | None


def has_scope(arguments: Namespace) -> bool:
    """Whether the arguments say what is to be kept, without which DVC refuses."""
    return any(getattr(arguments, name) for name in _SCOPES)


def unused_objects(arguments: Namespace) -> tuple[Unused, ...]:
    """What `dvc gc` with these arguments would remove; nothing is removed.

    Raises EnvironmentFailedError with DVC's own words when it cannot tell.
    """
    from dvc.exceptions import DvcException
    from dvc.logger import set_loggers_level

    try:
        with open_repo() as repo:
            options = {name: getattr(arguments, name) for name in _SELECTING}
            with set_loggers_level(logging.CRITICAL), _removals() as paths:
                repo.gc(**options, force=True, dry=True)
            return _described(repo, paths, arguments.remote)
    except (DvcException, OSError) as error:
        raise EnvironmentFailedError(f"DVC cannot tell what is unused: {error}") from error


def unused_in_workspace() -> tuple[Unused, ...]:
    """What `dvc gc --workspace` would remove; nothing is removed.

    Raises EnvironmentFailedError with DVC's own words when it cannot tell.
    """
    arguments = read_arguments(["gc", "--workspace"])
    return () if arguments is None else unused_objects(arguments)


@contextmanager
def _removals() -> Iterator[list[str]]:
    """The paths that DVC's dry collection names in its log."""
    log = logging.getLogger("dvc_data.hashfile.gc")
    paths: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.args:
                paths.append(str(record.args[0]))  # type: ignore[index]

    collector = Collector()
    before = log.level, log.propagate
    log.addHandler(collector)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield paths
    finally:
        log.removeHandler(collector)
        log.level, log.propagate = before


def _described(repo: Any, paths: list[str], remote: str | None) -> tuple[Unused, ...]:
    cache = str(Path(repo.cache.local_cache_dir).resolve())
    local = [path for path in paths if Path(path).is_relative_to(cache)]
    far = [path for path in paths if not Path(path).is_relative_to(cache)]
    names = object_names(Path(repo.root_dir))
    for path in local:
        names.update(_members(path, names))
    sizes: dict[str, int | None] = {path: Path(path).stat().st_size for path in local}
    place = CACHE
    if far:
        odb = repo.cloud.get_remote_odb(remote, "gc -c", hash_name="md5")
        place = f"remote {remote or repo.config['core'].get('remote')}"
        sizes |= _far_sizes(odb, far)
    return tuple(
        Unused(CACHE if path in local else place, path, sizes[path], names.get(_hash(path)))
        for path in dict.fromkeys([*local, *far])
    )


def _far_sizes(odb: Any, paths: list[str]) -> dict[str, int | None]:
    if odb.fs.protocol == "local":
        return {path: Path(path).stat().st_size for path in paths}
    listed = odb.fs.fs.find(odb.path, detail=True)
    return {path: listed.get(path, {}).get("size") for path in paths}


def _members(path: str, names: dict[str, MadeBy]) -> dict[str, MadeBy]:
    """Names of the files of a tracked folder, whose listing is the object at `path`."""
    of_folder = names.get(_hash(path))
    if of_folder is None or not path.endswith(".dir"):
        return {}
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        return {entry["md5"]: MadeBy(of_folder.path, of_folder.revisions) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _hash(path: str) -> str:
    """`…/files/md5/ab/cdef` is of the hash `abcdef`."""
    parts = PurePosixPath(path).parts
    return parts[-2] + parts[-1]
