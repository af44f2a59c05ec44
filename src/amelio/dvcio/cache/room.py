"""Finds out before a stage runs that its outputs could not be stored."""

import shutil
import tempfile
from typing import TYPE_CHECKING

from amelio.dvcio.run.stages import is_local
from amelio.errors import EnvironmentFailedError
from amelio.quantities import size

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage


class Room:
    """Whether the cache can be written to, and whether there is room for what a stage made last
    time.
    """

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._writable: set[str] = set()

    def require(self, stage: "Stage", *, is_stored: bool) -> None:
        """Raises EnvironmentFailedError.

        is_stored: the outputs go to the cache, too
        """
        outs = [out for out in stage.outs if is_local(out) and out.is_in_repo]
        places = {stage.wdir: sum(out.meta.size or 0 for out in outs)}
        cached = [out for out in outs if out.use_cache]
        if is_stored and cached:
            cache = str(self._repo.cache.local.path)
            self._require_writable(cache)
            places[cache] = sum(out.meta.size or 0 for out in cached)
        for place, needed_bytes in places.items():
            _require_free(stage, place, needed_bytes)

    def _require_writable(self, cache: str) -> None:
        if cache in self._writable:
            return
        try:
            self._repo.cache.local.makedirs(cache)  # with the rights of a shared cache
            with tempfile.TemporaryFile(dir=cache):
                self._writable.add(cache)
        except OSError as error:
            raise EnvironmentFailedError(
                f"the cache cannot be written to, so nothing was run: {error.strerror}: {cache}",
                hint="mend that, or choose another one with `dvc cache dir --local FOLDER`; "
                "`--no-commit` runs without it",
            ) from error


def _require_free(stage: "Stage", place: str, needed_bytes: int) -> None:
    if not needed_bytes:
        return
    free_bytes = shutil.disk_usage(place).free
    if free_bytes < needed_bytes:
        raise EnvironmentFailedError(
            f"{stage.addressing} made {size(needed_bytes)} last time, "
            f"but {place} has {size(free_bytes)} left, so it was not run",
            hint="free some space, or move the cache with `dvc cache dir`",
        )
