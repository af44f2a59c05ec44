"""Reads a pipeline's facts from its files, without running anything of it."""

# Paths are strings here: they come from DVC, and are many.
# ruff: noqa: PTH118, PTH120

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from amelio.dvcio.facts.facts import (
    GitFacts,
    Keeper,
    PathFact,
    PipelineFacts,
    Pushed,
    StageFact,
    parents_of,
)
from amelio.dvcio.facts.sources import is_program_file, named_files, read_sources
from amelio.dvcio.git.facts import git_facts
from amelio.dvcio.run.stages import identify, is_local
from amelio.dvcio.translate import translated
from amelio.dvcio.workspace import DvcWorkspace
from amelio.errors import AmelioError, InputError
from amelio.model import Policy, Reason, ReasonKind, Selection

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.stage import Stage as DvcStage

ENVIRONMENT_FILES = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "pixi.lock",
    "conda-lock.yml", "renv.lock", "Manifest.toml", "Cargo.lock", "go.sum", "package-lock.json",
    "flake.lock", "requirements.txt", "constraints.txt", "environment.yml", "environment.yaml",
    "Dockerfile", "pyproject.toml", "Pipfile", "setup.py", "setup.cfg",
)  # fmt: skip
_ALL = Selection(all_pipelines=True)


def stage_facts(workspace: DvcWorkspace, *, judge: bool) -> tuple[StageFact, ...]:
    """Every stage and `.dvc` file of the repository, in serial order.

    judge: also compare each with its lock entry, which hashes what changed
    Raises InputError for what is wrong in `dvc.yaml`.
    """
    with workspace.session(is_dry=True):
        planned = workspace.plan(_ALL)
        root = workspace.root
        git = git_facts(root)
        owners = _Owners(workspace.dvc_stage(stage.id) for stage in planned)
        return tuple(
            _stage(workspace, stage.id, stage.needs, owners, git, root, judge=judge)
            for stage in planned
        )


def pipeline_facts(
    workspace: DvcWorkspace, stages: tuple[StageFact, ...], pushed: Pushed
) -> PipelineFacts:
    """All that the reproducibility checks look at; `stages` are judged."""
    root = workspace.root
    programs = {path for stage in stages for path in stage.programs}
    programs |= {
        dep.path
        for stage in stages
        for dep in stage.deps
        if dep.is_inside and is_program_file(dep.path) and (root / dep.path).is_file()
    }
    sources, imports = read_sources(sorted(programs), root)
    places = {stage.place for stage in stages if stage.place.endswith("dvc.yaml")}
    locks = sorted(f"{place.removesuffix('.yaml')}.lock" for place in places)
    texts = _texts(root, sorted(places))
    return PipelineFacts(
        root=root,
        stages=stages,
        git=git_facts(root),
        pushed=pushed,
        sources=sources,
        imports=imports,
        params=_params(workspace, stages),
        lock_files=tuple(path for path in locks if (root / path).is_file()),
        environment=_texts(root, [*ENVIRONMENT_FILES, *_requirement_files(root)]),
        project_texts=texts,
        template_params=tuple(key for text in texts.values() for key in _template_params(text)),
    )


class _Owners:
    """Who makes or keeps each path: itself, what is in it, or what it is in."""

    def __init__(self, stages: Iterable["DvcStage"]) -> None:
        self._of = {
            str(out.fs_path): Keeper.STAGE if stage.cmd else Keeper.DVC
            for stage in stages
            for out in stage.outs
            if is_local(out)
        }
        self._around = {
            folder: keeper for path, keeper in self._of.items() for folder in parents_of([path])
        }

        missing = [path for path in self._of if not os.path.lexists(path)]
        self._lacking = {*missing, *parents_of(missing)}

    def lacks(self, path: str) -> bool:
        """Whether something that belongs there is not there."""
        return path in self._lacking

    def keeper(self, path: str) -> Keeper | None:
        for place in (path, *parents_of([path])):
            if place in self._of:
                return self._of[place]
        return self._around.get(path)


def _stage(
    workspace: DvcWorkspace,
    key: str,
    needs: tuple[str, ...],
    owners: _Owners,
    git: GitFacts | None,
    root: Path,
    *,
    judge: bool,
) -> StageFact:
    from dvc.stage.run import _enforce_cmd_list

    stage = workspace.dvc_stage(key)
    commands = tuple(map(str, _enforce_cmd_list(stage.cmd))) if stage.cmd else ()
    folder = Path(stage.wdir)
    declared, missing = _declared(stage, root)
    files = [dep for dep in stage.deps if not hasattr(dep, "params")]
    named = named_files(commands, folder, root)
    settings = stage.meta.get("amelio") if isinstance(stage.meta, dict) else None
    return StageFact(
        id=identify(stage),
        name=str(stage.addressing),
        place=os.path.relpath(stage.path, root),
        folder=os.path.relpath(folder, root),
        is_command=bool(stage.cmd),
        is_frozen=bool(stage.frozen) and bool(stage.cmd),
        is_always_changed=bool(stage.always_changed) and bool(stage.cmd),
        is_callback=bool(stage.is_callback),
        commands=commands,
        needs=needs,
        deps=tuple(_path_fact(dep, owners, git, root) for dep in files),
        outs=tuple(_path_fact(out, owners, git, root) for out in stage.outs),
        params=declared,
        missing_params=missing,
        has_lock=_has_lock(stage),
        programs=tuple(path for path in named if is_program_file(path)),
        named_files=named,
        condition=str(settings.get("when", "")) if isinstance(settings, dict) else "",
        reasons=_reasons(workspace, key, owners) if judge else None,
    )


def _has_lock(stage: "DvcStage") -> bool:
    """Whether anything of the stage is recorded; a bare command has nothing that could be."""
    items = [*stage.deps, *stage.outs]
    return not items or any(bool(item.hash_info) for item in items)


def _reasons(workspace: DvcWorkspace, key: str, owners: _Owners) -> tuple[Reason, ...]:
    """Why the stage would run; data that is only absent here says nothing about the lock file.

    A folder of which a part is absent, DVC calls modified.
    """
    deps = workspace.dvc_stage(key).deps
    lacking = {str(dep) for dep in deps if is_local(dep) and owners.lacks(str(dep.fs_path))}
    try:
        found = workspace.judge(key, Policy(allow_missing=True)).reasons
        return tuple(r for r in found if r.kind is not ReasonKind.DATA or r.what not in lacking)
    except AmelioError as error:
        return (Reason(ReasonKind.DATA, note=error.message),)


def _path_fact(item: "Output", owners: _Owners, git: GitFacts | None, root: Path) -> PathFact:
    local = is_local(item)
    inside = local and bool(item.is_in_repo)
    full = str(item.fs_path) if local else str(item)
    path = Path(os.path.relpath(full, root)).as_posix() if inside else full
    return PathFact(
        path=path,
        written=str(item.def_path),
        keeper=_keeper(item, full, path, owners, git) if inside else _outer_keeper(item),
        is_local=local,
        is_inside=inside,
        hash=str(item.hash_info.value) if item.hash_info else None,
        size_bytes=item.meta.size if item.meta else None,
        n_files=item.meta.nfiles if item.meta else None,
        is_cached=bool(item.use_cache),
        is_metric=bool(item.metric),
    )


def _keeper(
    item: "Output",
    full: str,
    path: str,
    owners: _Owners,
    git: GitFacts | None,
) -> Keeper:
    owner = owners.keeper(full)
    if owner is not None:
        return owner
    if item.stage.is_import:
        return Keeper.SOURCE
    if git is not None and (path in git.tracked or path in git.folders):
        return Keeper.GIT
    return Keeper.NOBODY


def _outer_keeper(item: "Output") -> Keeper:
    return Keeper.NOBODY if is_local(item) and not item.stage.is_import else Keeper.SOURCE


def _declared(stage: "DvcStage", root: Path) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    declared: dict[str, tuple[str, ...]] = {}
    missing: list[str] = []
    for dep in stage.params:
        path = Path(os.path.relpath(dep.fs_path, root)).as_posix()
        names = tuple(map(str, dep.params or ()))
        declared[path] = (*declared.get(path, ()), *names)
        with translated(InputError):
            known = dep.read_params()
        missing += [f"{path}:{name}" for name in names if name not in known]
    return declared, tuple(missing)


def _params(workspace: DvcWorkspace, stages: Sequence[StageFact]) -> dict[str, dict[str, object]]:
    from dvc.utils.serialize import load_path

    paths = {path for stage in stages for path in stage.params}
    paths |= {
        os.path.join(os.path.dirname(stage.place), "params.yaml").lstrip("/") for stage in stages
    }
    found: dict[str, dict[str, object]] = {}
    for path in sorted(paths):
        full = workspace.root / path
        if full.is_file():
            with translated(InputError):
                found[path] = dict(_leaves(load_path(str(full), workspace.repo.fs), ""))
    return found


def _leaves(tree: Any, prefix: str) -> Iterable[tuple[str, object]]:
    if not isinstance(tree, dict) or (prefix and not tree):
        yield prefix, tree
        return
    for key, value in tree.items():
        yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))


def _requirement_files(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("requirements*.txt"))


def _texts(root: Path, names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = (root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return found


def _template_params(text: str) -> Iterable[str]:
    """Keys in the `params:` of `foreach` and `matrix` stages; their stages may be none as yet."""
    try:
        stages = (yaml.safe_load(text) or {}).get("stages") or {}
        templates = [stage for stage in stages.values() if {"foreach", "matrix"} & set(stage)]
        for stage in templates:
            declared = stage.get("do", stage).get("params") or []
            yield from (key for key in declared if isinstance(key, str))
    except (yaml.YAMLError, AttributeError, TypeError):  # DVC reads it otherwise
        return
