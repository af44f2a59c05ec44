"""DVC's run cache: finds and brings back what a stage once made of the same command and inputs."""

import logging
from typing import TYPE_CHECKING

from amelio.dvcio.cache import integrity
from amelio.dvcio.translate import fetching

if TYPE_CHECKING:
    from dvc.stage import Stage

logger = logging.getLogger(__name__)


def find(stage: "Stage", *, is_locked: bool, run_cache: bool, pull: bool) -> "Stage | None":
    """A stand-in stage whose outputs are all in the cache, or None.

    is_locked: whether the dependencies are as the lock entry has them; once they were taken as they
        are now they always fit, but the entry's outputs are not theirs

    As a side effect the stage's dependencies are taken as they are now, unless its lock entry
    already fits. The order of the checks is that of dvc 3.67 `StageCache.restore`, without its
    removal of outputs beforehand.
    """
    from dvc.exceptions import CollectCacheError
    from dvc.stage.cache import _can_hash
    from dvc.stage.serialize import to_single_stage_lockfile

    cache = stage.repo.stage_cache
    if not _can_hash(stage):
        return None
    is_current = (
        is_locked
        and not stage.changed_stage()
        and stage.deps_cached()
        and all(bool(out.hash_info) for out in stage.outs)
    )
    if is_current:
        entry = to_single_stage_lockfile(stage)
    else:
        if not run_cache:
            return None
        stage.save_deps()
        entry = cache._load(stage)
    if not entry:
        return None
    found: Stage = cache._create_stage(entry, wdir=stage.wdir)
    if pull:
        try:
            with fetching(f"what {stage.addressing} made before"):
                for objects in found.get_used_objs().values():
                    stage.repo.cloud.pull(objects)
        except CollectCacheError:
            return None
    if not found.outs_cached():
        return None
    damaged = integrity.set_damaged_aside(found.outs)
    for out, place in damaged:
        logger.warning("what the cache has for %s is damaged: it is now %s", out, place)
    return None if damaged else found


def keeps(stage: "Stage", *, no_commit: bool) -> bool:
    """Whether the run cache will have what a run of the stage makes."""
    from dvc.stage.cache import _can_hash

    return (
        not no_commit
        and all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs)
        and _can_hash(stage)
    )
