"""Hashes a stage's outputs and stores them in the cache."""

import itertools
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from amelio import disk
from amelio.dvcio.cache.integrity import require_sound
from amelio.dvcio.run.quick import hash_file
from amelio.errors import EnvironmentFailedError
from amelio.quantities import size

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage


Hashes = dict[str, str]
_COPYING = ("reflink", "copy")  # kinds of links after which a file in the workspace is one's own


def save(
    stage: "Stage",
    note: Callable[[Hashes], None],
    has_git: Callable[[str], bool],
    *,
    no_commit: bool,
    allow_missing: bool,
) -> None:
    """What `Stage.save_outs` and `Stage.commit` do, with one reading of each output instead of two.

    note: told the outputs' hashes before anything in the workspace is touched; storing an output
        replaces its files by links or copies, after which inodes and times no longer tell that it
        is the same
    has_git: whether Git tracks a path

    Raises DVC's exceptions, and EnvironmentFailedError where the cache does not take it.
    """
    hashed: list[_Hashed] = []
    for out in stage.outs:
        before = out._get_versioned_meta()
        try:
            hashed.append(_hash(out, has_git))
        except out.DoesNotExistError:
            if not allow_missing:
                raise
        if before:
            out.merge_version_meta(*before)
    note({one.out.fs_path: str(one.out.hash_info.value) for one in hashed})
    if not no_commit:
        _store_all(hashed)


class _Hashed(NamedTuple):
    """An output; for one of this machine DVC's object of it; for a folder where its files wait."""

    out: "Output"
    obj: Any = None
    staging: Any = None


def _hash(out: "Output", has_git: Callable[[str], bool]) -> _Hashed:
    from dvc_data.hashfile.obj import HashFile

    if not (out.is_in_repo and out.protocol == "local" and out.hash_name == "md5"):
        out.save()
        return _Hashed(out)
    if not out.exists:
        raise out.DoesNotExistError(out)
    if not out.isfile() and not out.isdir():
        raise out.IsNotFileOrDirError(out)
    if out.metric:
        out.verify_metric()
    cache = out.cache if out.use_cache else out.local_cache
    staging = None
    if out.isfile():  # as DVC does it, without the machinery for many files
        out.meta, found = hash_file(out.fs_path, out.fs, cache.state)
        out.obj = HashFile(out.fs_path, out.fs, found)
    else:
        staging, out.meta, out.obj = out._build(
            cache, out.fs_path, out.fs, out.hash_name,
            ignore=out.dvcignore, dry_run=not out.use_cache,
        )  # fmt: skip
    out.hash_info, out.files = out.obj.hash_info, None
    _ignore(out, has_git)
    return _Hashed(out, out.obj, staging)


def _ignore(out: "Output", has_git: Callable[[str], bool]) -> None:
    if out.use_scm_ignore:
        from dvc.output import OutputAlreadyTrackedError

        if has_git(out.fspath):
            raise OutputAlreadyTrackedError(out)
        out.repo.scm_context.ignore(out.fspath)


def _store_all(hashed: Sequence[_Hashed]) -> None:
    from dvc.exceptions import CacheLinkError

    failed_links: list[str] = []
    for out, obj, staging in hashed:
        try:
            if obj is None:
                out.commit()
            elif out.use_cache:
                _store(out, obj, staging)
        except CacheLinkError:
            failed_links.append(out.fs_path)
    if failed_links:
        raise CacheLinkError(failed_links)


def _store(out: "Output", obj: Any, staging: Any) -> None:
    first_link = out.cache.cache_types[0]
    is_copied = first_link in _COPYING
    is_kept = is_copied and staging is None and _is_own_file(out.fs_path)
    if not is_kept and not (is_copied and obj.hash_info.isdir):  # a folder's copies stay, too
        require_sound(out, _oids(obj))  # what the command made gives way to what the cache has
    _add(out, obj, staging, is_hard=first_link == "hardlink")
    if is_kept:
        out.cache.unprotect(out.fs_path)
        out.repo.state.save_link(out.fs_path, out.fs)
    else:
        out._checkout(
            out.fs_path, out.fs, obj, out.cache, relink=True, state=out.repo.state, old=obj
        )
    out.set_exec()


def _oids(obj: Any) -> Iterator[str]:
    if not obj.hash_info.isdir:
        yield obj.hash_info.value
        return
    for _, _, hashed in obj:
        yield hashed.value


def _add(out: "Output", obj: Any, staging: Any, *, is_hard: bool) -> None:
    """Into the cache. Raises EnvironmentFailedError when it does not take it."""
    from dvc_data.hashfile.transfer import transfer

    began = time.time()
    try:
        if staging is None:
            return _add_file(out, is_hard)
        if not transfer(
            staging, out.cache, {obj.hash_info}, hardlink=is_hard, shallow=False
        ).failed:
            return None
        why = "see above"  # DVC has told
    except OSError as error:
        why = error.strerror or str(error)
    sweep(out.cache.path, lambda changed: changed >= began)  # DVC leaves what it had copied
    raise EnvironmentFailedError(
        f"{out} could not be copied into the cache ({why}): it needs {size(out.meta.size or 0)}, "
        f"{disk.left(out.cache.path)}"
    )


def _add_file(out: "Output", is_hard: bool) -> None:
    from dvc_objects.errors import ObjectFormatError

    oid = out.hash_info.value
    try:
        out.cache.check(oid)
    except (FileNotFoundError, ObjectFormatError):  # DVC has removed a damaged one
        out.cache.add(out.fs_path, out.fs, oid, hardlink=is_hard, check_exists=False)


def sweep(cache: str, is_ours: Callable[[float], bool]) -> None:
    """Delete what is half written in the cache by when they were changed (seconds since 1970)."""
    for path in itertools.chain(Path(cache).glob(".*.tmp"), Path(cache).glob("??/.*.tmp")):
        with suppress(OSError):  # somebody else has done it
            if is_ours(path.stat().st_mtime):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_own_file(path: str) -> bool:
    """Whether nothing else shares the file's content, so that it need not be copied once more."""
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


class _KeptOpen:
    """A database that entering and leaving does not open and close."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def __enter__(self) -> Any:
        return self._database

    def __exit__(self, *_error: object) -> None:
        """Leave it open."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@contextmanager
def links_kept_open(repo: "Repo") -> Iterator[None]:
    """Keep DVC's database of links open.

    DVC opens and closes it for every output; closing the last connection syncs it to the disk, 2 to
    10 ms each time.
    """
    links = getattr(repo.state, "links", None)
    if links is None:
        yield
        return
    repo.state.links = _KeptOpen(links)
    try:
        yield
    finally:
        repo.state.links = links
        links.close()
