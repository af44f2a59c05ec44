"""What DVC's cache holds, how the workspace is linked to it, and what revisions weigh."""

# Paths are strings here: they come from DVC, and are many.
# ruff: noqa: PTH116, PTH118

import json
import os
import stat as stat_flags
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.dvcio.cache.links import working_links
from amelio.dvcio.git.facts import git_output
from amelio.dvcio.translate import explain
from amelio.dvcio.workspace import DvcWorkspace

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

MAX_REVISIONS = 8
MAX_LINKS_SEEN = 50_000  # files of the workspace
REVISION_LOG = "--format=%H%x00%ct%x00%s"


@dataclass(frozen=True)
class LinkUse:
    """Files of the workspace of one kind: hardlink, symlink, reflink, copy."""

    kind: str
    n_files: int
    size_bytes: int


@dataclass(frozen=True)
class CacheFacts:
    """The local cache.

    wanted: kinds of links in the order in which DVC tries them; working: those that work here
    links: how files of the workspace are linked to it; `copy` takes its bytes a second time
    n_runs: entries of the run cache
    """

    path: str
    n_files: int
    size_bytes: int
    n_runs: int
    wanted: tuple[str, ...]
    working: tuple[str, ...]
    links: tuple[LinkUse, ...]


@dataclass(frozen=True)
class RevisionSize:
    """What DVC tracks in one commit.

    new_bytes: of files that no later commit of the list has
    problem: why it could not be told
    """

    commit: str
    subject: str
    when: float
    size_bytes: int = 0
    new_bytes: int = 0
    problem: str = ""


def cache_facts(workspace: DvcWorkspace) -> CacheFacts:
    """Look at the cache and at every file of the workspace that is in it."""
    repo = workspace.repo
    cache = repo.cache.local_cache_dir
    n_files, size_bytes = _walked(os.path.join(cache, "files"))
    n_runs, _ = _walked(os.path.join(cache, "runs"))
    wanted = tuple(repo.cache.local.cache_types)
    working: tuple[str, ...] = ()
    if os.access(cache, os.W_OK) and os.access(repo.root_dir, os.W_OK):
        with suppress(OSError):
            working = working_links(Path(cache), Path(repo.tmp_dir))
    return CacheFacts(
        path=cache,
        n_files=n_files,
        size_bytes=size_bytes,
        n_runs=n_runs,
        wanted=wanted,
        working=working,
        links=_links(repo, is_reflink=next(iter(wanted), "") == "reflink" and "reflink" in working),
    )


def objects_of(out: "Output") -> dict[str, int | None]:
    """Hash → bytes of an output's files as recorded; the folder's listing included."""
    if not out.use_cache or not out.hash_info:
        return {}
    value = str(out.hash_info.value)
    listing = dict(_members(out))
    if not listing:
        return {value: out.meta.size}
    sizes = {md5: _size_of(out.repo.cache.local.oid_to_path(md5)) for md5 in listing.values()}
    return {value: 0, **sizes}


def revision_sizes(workspace: DvcWorkspace) -> tuple[RevisionSize, ...]:
    """The last commits that changed what DVC tracks, newest first."""
    words = ["log", f"-{MAX_REVISIONS}", REVISION_LOG, "--", "*dvc.lock", "*.dvc"]
    printed = git_output(words, workspace.root)
    found = []
    seen: set[str] = set()
    for line in (printed or "").splitlines():
        commit, when, subject = line.split("\0", 2)
        found.append(_revision_size(workspace.repo, commit, float(when), subject, seen))
    return tuple(found)


def _revision_size(
    repo: "Repo", commit: str, when: float, subject: str, seen: set[str]
) -> RevisionSize:
    from dvc.exceptions import DvcException

    objects: dict[str, int | None] = {}
    try:
        for _ in repo.brancher(revs=[commit], workspace=False, sha_only=True):
            for out in repo.index.outs:
                objects |= objects_of(out)
    except (DvcException, OSError) as error:
        return RevisionSize(commit, subject, when, problem=explain(error).splitlines()[0])
    new = sum(size or 0 for md5, size in objects.items() if md5 not in seen)
    seen.update(objects)
    return RevisionSize(commit, subject, when, sum(size or 0 for size in objects.values()), new)


def _links(repo: "Repo", *, is_reflink: bool) -> tuple[LinkUse, ...]:
    counted: dict[str, list[int]] = {}
    n_seen = 0
    for out in repo.index.outs:
        if out.protocol != "local" or not out.use_cache or not out.hash_info:
            continue
        for path, md5 in _files(out):
            kind, size = _link_kind(path, repo.cache.local.oid_to_path(md5))
            if kind is None:
                continue
            kind = "reflink" if kind == "copy" and is_reflink else kind
            counted.setdefault(kind, []).append(size)
            n_seen += 1
            if n_seen >= MAX_LINKS_SEEN:
                break
    return tuple(LinkUse(kind, len(sizes), sum(sizes)) for kind, sizes in sorted(counted.items()))


def _link_kind(path: str, cached: str) -> tuple[str | None, int]:
    try:
        here = os.lstat(path)
        if stat_flags.S_ISLNK(here.st_mode):
            return "symlink", 0
        there = os.stat(cached)
    except OSError:
        return None, 0
    is_same = (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev)
    return ("hardlink" if is_same else "copy"), here.st_size


def _files(out: "Output") -> Iterator[tuple[str, str]]:
    """Path in the workspace and hash of every file of an output."""
    if not str(out.hash_info.value).endswith(".dir"):
        yield str(out.fs_path), str(out.hash_info.value)
        return
    for name, md5 in _members(out):
        yield os.path.join(out.fs_path, *name.split("/")), md5


def _members(out: "Output") -> Iterable[tuple[str, str]]:
    """Name and hash of the files of a folder, from its listing in the cache."""
    value = str(out.hash_info.value)
    if not value.endswith(".dir"):
        return []
    try:
        with open(out.repo.cache.local.oid_to_path(value), encoding="utf-8") as file:  # noqa: PTH123
            entries: list[dict[str, Any]] = json.load(file)
        return [(str(entry["relpath"]), str(entry["md5"])) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _size_of(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _walked(folder: str) -> tuple[int, int]:
    n_files, size_bytes = 0, 0
    for place, _, names in os.walk(folder):
        for name in names:
            size = _size_of(os.path.join(place, name))
            if size is not None:
                n_files, size_bytes = n_files + 1, size_bytes + size
    return n_files, size_bytes
