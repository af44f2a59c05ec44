"""Everything on which "nothing to do" depends, for the next run to look at."""

# Paths are strings here: they come from DVC.
# ruff: noqa: PTH112, PTH116, PTH118, PTH119, PTH120, PTH123, PTH208
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

import amelio

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

_StringsLoader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
IGNORES = (".dvcignore", ".gitignore")
DEFAULT_PARAMS = "params.yaml"


def files_and_folders(repo: "Repo", since_ns: int) -> tuple[list[str], list[str]] | None:
    """What decides about the plan made at `since_ns`, and folders whose names decide; None where
    something of it has changed since.
    """
    files = watched_files(repo)
    folders = folders_seen(repo, files)
    if folders is None or not all(is_older(path, since_ns) for path in files):
        return None
    ignores = {path for paths in folders.values() for path in paths}
    return [*files, *ignores - files], [*folders, *cache_folders(repo)]


def watched_files(repo: "Repo") -> set[str]:
    """Files that decide which stages there are and what they are: read when the plan was made."""
    import dvc
    from dvc.config import Config

    files = {
        str(path) for level in Config.LEVELS for path in [repo.config.files.get(level)] if path
    }
    files |= {os.path.join(repo.root_dir, "amelio.yaml"), str(dvc.__file__), str(amelio.__file__)}
    of_files: dict[str, list[Stage]] = {}
    for stage in repo.index.stages:
        of_files.setdefault(stage.path, []).append(stage)
    for path, stages in of_files.items():
        files.add(path)
        if os.path.basename(path) == "dvc.yaml":
            files |= set(_variable_files(path, stages))
    return files


def _variable_files(project_file: str, stages: "Iterable[Stage]") -> Iterable[str]:
    """Parameters and variables that DVC fills in: of the file beside it, of a stage in its working
    directory.
    """
    folder = os.path.dirname(project_file)
    yield os.path.join(folder, DEFAULT_PARAMS)
    with open(project_file, encoding="utf-8") as file:
        text = file.read()
    if "vars" not in text:
        return
    contents = yaml.load(text, Loader=_StringsLoader) or {}  # noqa: S506 - strings only
    yield from _files_of_vars(folder, contents)
    for stage in stages:
        written = contents["stages"][str(stage.addressing).rpartition(":")[2].partition("@")[0]]
        yield from _files_of_vars(stage.wdir, written.get("do", written))


def _files_of_vars(folder: str, section: Mapping[str, Any]) -> Iterable[str]:
    for entry in section.get("vars") or ():
        if isinstance(entry, str):
            yield os.path.join(folder, entry.partition(":")[0])


def is_watchable(stage: "Stage") -> bool:
    """Whether files alone decide about a stage: nothing remote, nothing that always runs."""
    if not stage.frozen and (stage.is_callback or stage.always_changed):
        return False
    items: list[Any] = [*stage.outs, *([] if stage.frozen else stage.deps)]
    return all(item.protocol == "local" and item.fs_path for item in items) and not (
        stage.is_repo_import or stage.is_db_import
    )


def folders_seen(repo: "Repo", stage_files: set[str]) -> Mapping[str, list[str]] | None:
    """The folders in which a new stage file would count, with their ignore files.

    None when there is a stage file already that the plan does not know.
    """
    outs = {out.fs_path for out in repo.index.outs if out.protocol == "local"}
    found: dict[str, list[str]] = {}
    for folder, folders, files in repo.dvcignore.walk(repo.fs, repo.root_dir, followlinks=False):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in outs]
        found[folder] = [os.path.join(folder, name) for name in files if name in IGNORES]
        for name in files:
            is_stage_file = name == "dvc.yaml" or name.endswith(".dvc")
            path = os.path.join(folder, name)
            if is_stage_file and path not in stage_files and not repo.scm.is_ignored(path):
                return None
    return found


def cache_folders(repo: "Repo") -> list[str]:
    """The folders of the local cache; an object that comes or goes changes one of them."""
    found = []
    for path in {repo.cache.local.path, repo.cache.legacy.path}:
        if os.path.isdir(path):
            found.append(path)
            found += [
                os.path.join(path, name)
                for name in os.listdir(path)
                if len(name) == 2 and os.path.isdir(os.path.join(path, name))
            ]
    return found


def is_older(path: str, than_ns: int) -> bool:
    """Whether a file was last changed before a time; also when it is not there."""
    try:
        return os.stat(path).st_ctime_ns < than_ns
    except OSError:
        return True
