"""The one place that opens a DVC repository."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from amelio.dvcio.run.quick import quicken
from amelio.dvcio.yaml.bounded import bound_yaml

if TYPE_CHECKING:
    from dvc.repo import Repo

NO_REMOTE: dict[str, Any] = {"core": {"remote": ""}}  # as `config`: nothing is fetched
FOREIGN_DATABASE = (
    "DVC's databases in %s belong to another user, whose content DVC would run as yours: remove "
    "that folder, or give DVC one of your own: export DVC_SITE_CACHE_DIR=~/.cache/dvc-site"
)
_WARNED: set[str] = set()

logger = logging.getLogger(__name__)


def open_repo(folder: str | None = None, *, is_dry: bool = False, **options: Any) -> "Repo":
    """DVC's own object for the repository around `folder`, else the working directory.

    is_dry: nothing in it is written, moved or deleted
    options: those of dvc.repo.Repo

    Raises what DVC raises, and InputError for YAML whose aliases would fill the memory.
    """
    from dvc.repo import Repo

    bound_yaml()
    quicken()
    if is_dry:
        from amelio.dvcio.untouched import UntouchedRepo

        kind: type[Repo] = UntouchedRepo
    else:
        kind = Repo
    repo = kind(folder, **options)
    _warn_of_foreign_database(repo)
    return repo


def foreign_database(repo: "Repo") -> str | None:
    """The folder of DVC's databases when somebody else than this user or root owns it.

    DVC unpickles what stands in them, so whoever can write there can run programs as this user;
    and DVC makes the folder's parents (/var/tmp/dvc) writable for everyone. Source: CVE-2025-69872.
    """
    found: str = repo.site_cache_dir
    paths = (f"{folder}/{name}" for folder, *names in os.walk(found) for name in chain(*names))
    return found if any(map(_is_foreign, (found, *paths))) else None


def _is_foreign(path: str) -> bool:
    try:
        return os.lstat(path).st_uid not in (0, os.geteuid())
    except FileNotFoundError:  # SQLite's files beside a database come and go
        return False


def _warn_of_foreign_database(repo: "Repo") -> None:
    folder = foreign_database(repo) if repo.dvc_dir else None
    if folder and folder not in _WARNED:
        _WARNED.add(folder)
        logger.warning(FOREIGN_DATABASE, folder)


@contextmanager
def without_bars() -> Iterator[None]:
    """Without DVC's progress bars, which write over the live table of a run."""
    # the level of these decides whether there are any
    logs = [logging.getLogger(name) for name in ("dvc.progress", "dvc_data.callbacks")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
