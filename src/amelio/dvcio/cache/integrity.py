"""Objects of the cache whose content is no longer what their name says, found before use.

DVC believes the cache: it hands a damaged object out, and pushes it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import translated

if TYPE_CHECKING:
    from dvc.output import Output

FOLDER_SUFFIX = ".dir"


def set_aside_for_checkout(
    targets: list[str], *, with_deps: bool, recursive: bool
) -> list[tuple[str, Path]]:
    """What `set_damaged_aside` does, for the outputs that `dvc checkout TARGETS` would bring back.

    Raises InputError and EnvironmentFailedError for what DVC refuses.
    """
    with translated(), open_repo() as repo:
        wanted: list[str | None] = [*targets] or [None]
        stages = [
            (stage, only)
            for target in wanted
            for stage, only in repo.stage.collect_granular(
                target, with_deps=with_deps, recursive=recursive
            )
        ]
        outs = [out for stage, only in stages for out in stage.filter_outs(only)]
        return set_damaged_aside(o for o in outs if not o.exists or o.changed_checksum())


def set_damaged_aside(outs: Iterable["Output"]) -> list[tuple[str, Path]]:
    """Move the damaged ones of the local objects behind `outs` out of the cache.

    returns: outputs and where what the cache had for them is now
    """
    found = list(damaged(outs))  # before anything moves; outputs may share an object
    return [(str(out), _set_aside(path, out)) for out, path in found if path.exists()]


def damaged(outs: Iterable["Output"]) -> Iterator[tuple["Output", Path]]:
    """The damaged ones of the local objects behind `outs`.

    Every object is read once, at the rate of the disk or of MD5.
    """
    for out in outs:
        if not (out.hash_info and out.use_cache and out.hash_name == "md5"):
            continue
        for path in _objects(Path(out.cache.oid_to_path(out.hash_info.value))):
            if not _is_sound(path):
                yield out, path


def require_sound(out: "Output", oids: Iterable[str]) -> None:
    """Move damaged ones of these objects, of those that the cache has, out of it."""
    for oid in oids:
        path = Path(out.cache.oid_to_path(oid))
        if path.exists() and not _is_sound(path):
            _set_aside(path, out)


def _set_aside(path: Path, out: "Output") -> Path:
    """Where the object is now."""
    aside = Path(out.repo.tmp_dir) / "amelio/damaged" / (path.parent.name + path.name)
    aside.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, aside)  # noqa: PTH105 - over a former find
    return aside


def _objects(path: Path) -> Iterator[Path]:
    """The object at `path`, and those of the files that it lists when it stands for a folder."""
    if not path.exists():
        return
    yield path
    if path.name.endswith(FOLDER_SUFFIX) and _is_sound(path):
        for entry in json.loads(path.read_bytes()):
            file = path.parents[1] / entry["md5"][:2] / entry["md5"][2:]
            if file.exists():
                yield file


def _is_sound(path: Path) -> bool:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return found == path.parent.name + path.name.removesuffix(FOLDER_SUFFIX)
