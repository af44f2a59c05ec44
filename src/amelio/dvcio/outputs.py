"""Hashes a stage's outputs and stores them in the cache."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage


Hashes = dict[str, str]


def save(
    stage: "Stage",
    note: Callable[[Hashes], None],
    *,
    no_commit: bool,
    allow_missing: bool,
) -> None:
    """What `Stage.save_outs` and `Stage.commit` do, with one reading of each output instead of two.

    note: told the outputs' hashes before anything in the workspace is touched; storing an output
        replaces its files by links or copies, after which inodes and times no longer tell that it
        is the same

    Raises DVC's exceptions.
    """
    hashed: list[_Hashed] = []
    for out in stage.outs:
        before = out._get_versioned_meta()
        try:
            hashed.append(_hash(out))
        except out.DoesNotExistError:
            if not allow_missing:
                raise
        if before:
            out.merge_version_meta(*before)
    note({one.out.fs_path: str(one.out.hash_info.value) for one in hashed})
    if not no_commit:
        _store_all(hashed)


class _Hashed(NamedTuple):
    """An output and, for a plain one, DVC's staged objects."""

    out: "Output"
    staging: Any = None
    obj: Any = None


def _hash(out: "Output") -> _Hashed:
    if not (out.is_in_repo and out.protocol == "local" and out.hash_name == "md5"):
        out.save()
        return _Hashed(out)
    if not out.exists:
        raise out.DoesNotExistError(out)
    if not out.isfile() and not out.isdir():
        raise out.IsNotFileOrDirError(out)
    if out.metric:
        out.verify_metric()
    staging, meta, obj = out._build(
        out.cache if out.use_cache else out.local_cache,
        out.fs_path,
        out.fs,
        out.hash_name,
        ignore=out.dvcignore,
        dry_run=not out.use_cache,
    )
    out.obj, out.meta, out.hash_info, out.files = obj, meta, obj.hash_info, None
    out.ignore()
    return _Hashed(out, staging, obj)


def _store_all(hashed: Sequence[_Hashed]) -> None:
    from dvc.exceptions import CacheLinkError

    failed_links: list[str] = []
    for out, staging, obj in hashed:
        try:
            if obj is None:
                out.commit()
            elif out.use_cache:
                _store(out, staging, obj)
        except CacheLinkError:
            failed_links.append(out.fs_path)
    if failed_links:
        raise CacheLinkError(failed_links)


def _store(out: "Output", staging: Any, obj: Any) -> None:
    from dvc_data.hashfile.transfer import transfer

    is_hard = next(iter(out.cache.cache_types), None) == "hardlink"
    transfer(staging, out.cache, {obj.hash_info}, hardlink=is_hard, shallow=False)
    out._checkout(out.fs_path, out.fs, obj, out.cache, relink=True, state=out.repo.state, old=obj)
    out.set_exec()


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
    with closing(sqlite3.connect(Path(links.directory) / "cache.db")) as connection:
        connection.execute("SELECT COUNT(*) FROM Settings").fetchone()
        yield
