"""Whose an output is, whether it is as recorded, and what was overwritten in the cache."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH116, PTH118

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.run.lockfile import LockFileReader
from amelio.dvcio.run.stages import is_local

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

SLACK_S = 0.05  # the kernel's clock for ctime ticks every 4 to 10 ms
DAMAGED = "damaged"


def owned_outputs(repo: "Repo") -> Mapping[str, "Output"]:
    """Every local output of a stage with a command, by path."""
    return {out.fs_path: out for out in repo.index.outs if out.stage.cmd and is_local(out)}


def is_as_recorded(out: "Output") -> bool:
    """Whether the output's content is what this run knows, or what the lock file says by now."""
    if not Path(out.fs_path).exists():  # a link may lead nowhere
        return False
    found = str(out.get_hash().value)
    if out.hash_info and found == out.hash_info.value:
        return True
    name = getattr(out.stage, "name", None)
    if name is None:
        return False
    entry = LockFileReader(Path(out.stage.path).with_suffix(".lock")).entry(name) or {}
    return any(
        recorded.get("path") == out.def_path and found in map(str, recorded.values())
        for recorded in entry.get("outs", ())
    )


def is_stored(out: "Output") -> bool:
    """Whether an output's content is in the cache, or is what the lock file has; or there is
    none.
    """
    if not out.exists:
        return True
    try:
        if not out.changed_checksum():
            return True
        return bool(out.use_cache and out.cache.exists(out.get_hash().value))
    except FileNotFoundError:  # a link that leads nowhere
        return False


def put_damaged_aside(repo: "Repo", paths: Sequence[str], since: float) -> list[str]:
    """Move objects of the cache that belong to `paths`, were changed after `since` (seconds since
    1970) and no longer are what their name says, out of it; returns where they are.
    """
    folder = Path(repo.tmp_dir) / "amelio" / DAMAGED
    moved = []
    for oid, place in _objects(_touching(repo, paths)):
        try:
            is_young = os.stat(place).st_ctime >= since - SLACK_S
        except OSError:
            continue
        if is_young and not _is_whole(oid, place):
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / oid
            shutil.move(place, target)
            moved.append(str(target))
    return moved


def _touching(repo: "Repo", paths: Sequence[str]) -> Iterator["Output"]:
    for out in repo.index.outs:
        if not is_local(out) or not out.use_cache or not out.hash_info:
            continue
        own = os.path.join(out.fs_path, "")
        if any(own.startswith(os.path.join(p, "")) or p.startswith(own) for p in paths):
            yield out


def _objects(outs: Iterable["Output"]) -> Iterator[tuple[str, str]]:
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    for out in outs:
        if out.hash_name != "md5":
            continue
        oids = [str(out.hash_info.value)]
        if out.hash_info.isdir:
            try:
                tree = Tree.load(out.cache, out.hash_info)
            except (FileNotFoundError, ObjectFormatError):
                continue
            oids += [str(found.value) for _, _, found in tree]
        for oid in dict.fromkeys(oids):
            yield oid, out.cache.oid_to_path(oid)


def _is_whole(oid: str, place: str) -> bool:
    from dvc_data.hashfile.hash import file_md5

    return bool(file_md5(place) == oid.removesuffix(".dir"))
