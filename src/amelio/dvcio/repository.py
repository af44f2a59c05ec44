"""The one place that opens a DVC repository."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from amelio.dvcio.bounded_yaml import bound_yaml
from amelio.dvcio.quick import quicken

if TYPE_CHECKING:
    from dvc.repo import Repo

NO_REMOTE: dict[str, Any] = {"core": {"remote": ""}}  # as `config`: nothing is fetched


def open_repo(folder: str | None = None, **options: Any) -> "Repo":
    """DVC's own object for the repository around `folder`, else the working directory.

    options: those of dvc.repo.Repo

    Raises what DVC raises, and InputError for YAML whose aliases would fill the memory.
    """
    from dvc.repo import Repo

    bound_yaml()
    quicken()
    return Repo(folder, **options)


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
