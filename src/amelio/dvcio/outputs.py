"""Hashes a stage's outputs and stores them in the cache."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage


def save(stage: "Stage", *, no_commit: bool, allow_missing: bool) -> None:
    """What `Stage.save_outs` and `Stage.commit` do, with one reading of each output instead of two.

    Raises DVC's exceptions.
    """
    from dvc.exceptions import CacheLinkError

    failed_links: list[str] = []
    for out in stage.outs:
        before = out._get_versioned_meta()
        try:
            if _is_plain(out):
                _save_plain(out, no_commit)
            else:
                out.save()
                if not no_commit:
                    out.commit()
        except out.DoesNotExistError:
            if not allow_missing:
                raise
        except CacheLinkError:
            failed_links.append(out.fs_path)
        if before:
            out.merge_version_meta(*before)
    if failed_links:
        raise CacheLinkError(failed_links)


def _is_plain(out: "Output") -> bool:
    return bool(out.is_in_repo and out.protocol == "local" and out.hash_name == "md5")


def _save_plain(out: "Output", no_commit: bool) -> None:
    if not out.exists:
        raise out.DoesNotExistError(out)
    if not out.isfile() and not out.isdir():
        raise out.IsNotFileOrDirError(out)
    if out.metric:
        out.verify_metric()
    out.add(no_commit=no_commit)


@contextmanager
def links_kept_open(repo: "Repo") -> Iterator[None]:
    """Keep DVC's database of links open.

    DVC opens and closes it for every output; closing the last connection syncs it to the disk, 2 to 10 ms each time.
    """
    links = getattr(repo.state, "links", None)
    if links is None:
        yield
        return
    with closing(sqlite3.connect(Path(links.directory) / "cache.db")) as connection:
        connection.execute("SELECT COUNT(*) FROM Settings").fetchone()
        yield
