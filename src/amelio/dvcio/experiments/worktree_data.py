"""DVC's side of a fresh worktree: its configuration, and the data that is in the cache."""

# Paths are strings here: they come from DVC, and are many.

import io
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.run.pathlocks import repository_lock
from amelio.dvcio.translate import translated
from amelio.errors import EnvironmentFailedError
from amelio.model import never

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage


def local_config(repo: "Repo") -> bytes:
    """The `config.local` with which a worktree has the settings and the cache of `repo`.

    Its own is not in Git. Paths in the committed `config` are relative to where that file is, so
    that they are written down again, in full.
    """
    from configobj import ConfigObj  # type: ignore[import-untyped,unused-ignore]

    settings = ConfigObj()
    for level in ("repo", "local"):
        settings.merge(_filled(repo.config.read(level)))
    settings.merge({"cache": {"dir": repo.cache.local_cache_dir}})
    written = io.BytesIO()
    settings.write(written)
    return written.getvalue()


def _filled(section: dict[str, object]) -> dict[str, object]:
    """Without the empty sections that DVC adds when it reads."""
    return {
        name: _filled(value) if isinstance(value, dict) else str(value)
        for name, value in section.items()
        if value not in ({}, None)
    }


def untracked_inputs(repo: "Repo", tracked: Iterable[str], top: Path) -> list[str]:
    """Files and folders outside of Git and DVC that stages read, relative to the DVC repository.

    tracked: what Git has, relative to `top`; a folder with tracked files counts as tracked
    """
    in_git = {str(top / path) for path in tracked}
    in_git.update(parent for path in list(in_git) for parent in map(str, Path(path).parents))
    made = [out.fs_path for out in repo.index.outs if out.protocol == "local"]
    found = []
    for dep in repo.index.deps:
        if dep.protocol != "local" or not dep.is_in_repo or not os.path.lexists(dep.fs_path):
            continue
        if dep.fs_path in in_git or any(_is_below(dep.fs_path, out) for out in made):
            continue
        found.append(os.path.relpath(dep.fs_path, repo.root_dir))
    return sorted(set(found))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep) or folder.startswith(path + os.sep)


def store_changed_data(repo: "Repo") -> dict[Path, str]:
    """Store data under `.dvc` files that was changed since `dvc add`, as DVC does before it queues.

    returns: what those `.dvc` files should say, by their full paths; they are left as they are
    """
    from dvc.stage.serialize import to_single_stage_file
    from dvc.utils.serialize import dumps_yaml

    sources = [
        stage
        for stage in repo.index.stages
        if stage.is_data_source and not stage.is_import and not stage.frozen
    ]
    texts = {}
    for stage in sources:
        if any(out.exists and out.changed_checksum() for out in stage.outs):
            with repository_lock(repo, never):
                stage.save(allow_missing=True)
                stage.commit(allow_missing=True, relink=False)
            texts[Path(stage.path)] = dumps_yaml(to_single_stage_file(stage))
    return texts


def copy_in(paths: Sequence[str], source: Path, target: Path) -> None:
    """Copy files and folders, relative to `source`. Raises EnvironmentFailedError."""
    for path in paths:
        try:
            if (source / path).is_dir():
                shutil.copytree(
                    source / path,
                    target / path,
                    symlinks=True,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(".git"),  # of a submodule
                )
            else:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / path, target / path)
        except (OSError, shutil.Error) as error:
            raise EnvironmentFailedError(f"cannot copy {path} into a worktree: {error}") from error


def check_out(stages: Sequence["Stage"]) -> None:
    """Bring the stages' outputs to what their lock entries say; those that no cache has are left
    out.
    """
    from dvc.exceptions import CheckoutError

    with translated():
        for out in (out for stage in stages for out in stage.outs if out.use_cache):
            if out.hash_info and out.exists and not out.changed_checksum():
                continue
            try:
                if out.hash_info:
                    out.checkout(force=True)
                    continue
            except (CheckoutError, FileNotFoundError):
                pass
            _remove(out)


def bring_missing_data(stages: Sequence["Stage"]) -> None:
    """Check out data under `.dvc` files that is not there at all, as far as the cache has it."""
    from dvc.exceptions import CheckoutError

    with translated():
        for out in (out for stage in stages if stage.is_data_source for out in stage.outs):
            if out.use_cache and out.hash_info and not out.exists:
                with suppress(CheckoutError, FileNotFoundError):
                    out.checkout()


def _remove(out: "Output") -> None:
    if out.exists:
        out.remove()


def cached_outputs(stages: Iterable["Stage"], top: Path) -> list[str]:
    """The outputs of which the cache has what stands here, relative to `top`."""
    return [
        os.path.relpath(out.fs_path, top)
        for stage in stages
        for out in stage.outs
        if out.use_cache and out.hash_info and out.protocol == "local" and out.is_in_repo
    ]
