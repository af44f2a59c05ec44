"""DVC's run cache: finds and brings back what a stage once made of the same command and inputs.

Its files are DVC's. What differs is that many processes may use it at once: DVC writes an entry
beside the entries, where others take the half written file for a damaged one and delete it, and a
folder without any entry, as a killed process leaves it, ends DVC with a TypeError.
"""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.dvcio.cache import integrity
from amelio.dvcio.translate import fetching

if TYPE_CHECKING:
    from dvc.stage import Stage

logger = logging.getLogger(__name__)


def find(
    stage: "Stage",
    save_deps: Callable[[], None],
    *,
    is_locked: bool,
    run_cache: bool,
    pull: bool,
    is_dry: bool = False,
) -> "Stage | None":
    """A stand-in stage whose outputs are all in the cache, or None.

    save_deps: takes the stage's dependencies as they are now
    is_locked: whether the dependencies are as the lock entry has them; once they were taken as they
        are now they always fit, but the entry's outputs are not theirs
    is_dry: damaged objects stay where they are

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
        save_deps()
        entry = _newest(cache, stage)
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
    if is_dry:
        damaged = [(str(out), place) for out, place in integrity.damaged(found.outs)]
        told = "what the cache has for %s is damaged: %s"
    else:
        damaged = integrity.set_damaged_aside(found.outs)
        told = "what the cache has for %s is damaged: it is now %s"
    for out, place in damaged:
        logger.warning(told, out, place)
    return None if damaged else found


def save(stage: "Stage") -> None:
    """Remember what the stage made; as dvc 3.67 `StageCache.save`, an entry appears whole."""
    from dvc.fs import utils
    from dvc.schema import COMPILED_LOCK_FILE_STAGE_SCHEMA
    from dvc.stage.cache import _can_hash, _get_cache_hash, _get_stage_hash
    from dvc.stage.serialize import to_single_stage_lockfile
    from dvc.utils.serialize import dump_yaml

    if not _can_hash(stage):
        return
    cache = stage.repo.stage_cache
    key, made = _get_stage_hash(stage), to_single_stage_lockfile(stage)
    name = _get_cache_hash(made)
    known = cache._load_cache(key, name)
    if not all(out.use_cache for out in stage.outs):
        for out in cache._uncached_outs(stage, known or made):
            out.commit()
    if known:
        return
    COMPILED_LOCK_FILE_STAGE_SCHEMA(made)
    odb = stage.repo.cache.legacy
    folder = Path(cache._get_cache_dir(key))
    aside = Path(stage.repo.cache.local.path, utils.tmp_fname())
    odb.makedirs(str(aside))
    try:
        dump_yaml(str(aside / name), made)
        (aside / name).chmod(odb._file_mode)
        odb.makedirs(str(folder.parent))
        try:
            aside.rename(folder)
        except OSError:  # it has other entries
            (aside / name).replace(folder / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _newest(cache: Any, stage: "Stage") -> dict[str, Any] | None:
    """The entry that was written last of those for the stage's command and inputs."""
    from dvc.stage.cache import _get_stage_hash

    key = _get_stage_hash(stage)
    changed: dict[str, float] = {}
    with suppress(FileNotFoundError):
        for found in os.scandir(cache._get_cache_dir(key)):
            with suppress(FileNotFoundError):
                if not found.name.startswith("."):  # DVC is writing it, or was killed meanwhile
                    changed[found.name] = found.stat().st_mtime
    newest = max(changed, key=changed.__getitem__, default=None)
    entry: dict[str, Any] | None = cache._load_cache(key, newest) if newest else None
    return entry


def keeps(stage: "Stage", *, no_commit: bool) -> bool:
    """Whether the run cache will have what a run of the stage makes."""
    from dvc.stage.cache import _can_hash

    try:
        return (
            not no_commit
            and all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs)
            and _can_hash(stage)
        )
    except FileNotFoundError:  # a dependency, which a forced run goes without
        return False
