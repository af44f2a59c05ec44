"""DVC's stages in the words of `model`."""

from collections.abc import Container, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.errors import InputError
from amelio.model import OutputFact, OutputPath, Stage, StageKind
from amelio.yaml_places import line_of

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage as DvcStage


def describe(
    stage: "DvcStage", upstream: Sequence["DvcStage"], planned: Mapping["DvcStage", str]
) -> Stage:
    """A stage of a plan; `planned` gives the ids of those that are in it."""
    is_command = bool(stage.cmd) and not stage.frozen
    replaces = is_command or (stage.is_import and not stage.frozen) or stage.is_partial_import
    settings = stage.meta.get("amelio") if isinstance(stage.meta, dict) else None
    return Stage(
        id=identify(stage),
        name=stage.addressing,
        needs=tuple(planned[other] for other in upstream if other in planned),
        kind=StageKind.COMMAND if is_command else StageKind.INTERNAL,
        place=stage.relpath,
        inputs=tuple(dict.fromkeys(dep.fs_path for dep in stage.deps if is_local(dep))),
        outputs=tuple(map(_output_path, filter(is_local, stage.outs))) if replaces else (),
        settings=settings,
        is_frozen=stage.frozen,
    )


def identify(stage: "DvcStage") -> str:
    """The stage's id: unique in the repository, whatever the working directory."""
    name = getattr(stage, "name", None)
    path = stage.path_in_repo
    return path if name is None else f"{path}:{name}"


def is_local(item: "Output") -> bool:
    """Whether it is a file or folder of this machine."""
    return bool(item.protocol == "local" and item.fs_path)


def local_paths(stage: "DvcStage") -> list[str]:
    """All local files and folders that a stage names."""
    return [item.fs_path for item in (*stage.deps, *stage.outs) if is_local(item)]


def outputs_asking(stages: Iterable["DvcStage"], probe: str) -> list[str]:
    """Local outputs of the stages whose `meta.amelio.probe` this is."""

    def asks(stage: "DvcStage") -> bool:
        settings = stage.meta.get("amelio") if isinstance(stage.meta, dict) else None
        return isinstance(settings, dict) and settings.get("probe") == probe

    return sorted(out.fs_path for s in stages if asks(s) for out in s.outs if is_local(out))


def require_sound(stage: "DvcStage") -> None:
    """Raises InputError for an empty command, which DVC takes for a data source, and for outputs
    outside of the repository that DVC is to cache: it cannot.
    """
    name = getattr(stage, "name", None)
    if name is not None and not stage.cmd:
        line = line_of(stage.path, ["stages", name, "cmd"])
        raise InputError(
            f"{stage.addressing}: its command is empty",
            path=stage.relpath,
            line=line,
            hint="write what makes its outputs, or take the stage out",
        )
    strange = [str(item) for item in (*stage.deps, *stage.outs) if not str(item).isprintable()]
    if strange:  # a line break would make two lines of .gitignore of it
        raise InputError(
            f"{stage.addressing}: control characters in a path: {', '.join(map(repr, strange))}",
            path=stage.relpath,
            line=line_of(stage.path, ["stages", name]) if name else None,
            hint="give the file another name",
        )
    outside = [
        str(out) for out in stage.outs if is_local(out) and out.use_cache and not out.is_in_repo
    ]
    if outside:
        raise InputError(
            f"{stage.addressing}: outputs outside of the repository cannot be cached: "
            f"{', '.join(outside)}",
            path=stage.relpath,
            hint="give them `cache: false`, or put them inside",
        )


def _output_path(out: "Output") -> OutputPath:
    return OutputPath(out.fs_path, bool(out.persist), not out.is_in_repo)


def branch(root: Path) -> str:
    """What HEAD is: a branch, or a commit when it is detached. Committing on a branch does not
    change it.
    """
    for folder in (root, *root.parents):
        git = folder / ".git"
        try:
            if git.is_file():
                git = folder / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
            return (
                (git / "HEAD").read_text(encoding="utf-8").strip().removeprefix("ref: refs/heads/")
            )
        except OSError:
            continue
    return ""


def head_commit(repo: "Repo") -> str | None:
    """The commit that is checked out; None without Git or a first commit."""
    from dvc.scm import NoSCM
    from scmrepo.exceptions import SCMError

    if isinstance(repo.scm, NoSCM):
        return None
    try:
        return str(repo.scm.get_rev())
    except SCMError:  # before the first commit
        return None


def output_facts(stage: "DvcStage") -> list[OutputFact]:
    """The stage's outputs as last recorded."""
    return [
        OutputFact(
            path=str(out),
            hash=str(out.hash_info.value) if out.hash_info else None,
            size_bytes=out.meta.size,
            n_files=out.meta.nfiles,
        )
        for out in stage.outs
    ]


def changed_deps(stage: "DvcStage", touched: Container[str]) -> list[str]:
    """Dependencies that differ from what was hashed before: those that were touched, and remote
    ones. What was missing before a forced run is taken as it is now, as DVC does.
    """
    changed = []
    for dep in stage.deps:
        if dep.protocol == "local" and dep.fs_path not in touched:
            continue
        if not dep.hash_info:
            dep.save()
        elif dep.changed_checksum():
            changed.append(str(dep))
    return changed


def input_signature(stage: "DvcStage") -> str:
    """Hash of command, dependencies and parameters as they are in the workspace."""
    parts = [str(stage.cmd)]
    parts += sorted(
        f"{dep.def_path}={dep.get_hash() if dep.exists else None!r}" for dep in stage.deps
    )
    return sha256(repr(parts).encode()).hexdigest()


def signature(stage: "DvcStage") -> str:
    """Hash of all that decides what a run of the stage makes."""
    parts: list[Any] = [stage.cmd, sorted(out.def_path for out in stage.outs)]
    parts += sorted((str(dep.def_path), repr(dep.hash_info)) for dep in stage.deps)
    return sha256(repr(parts).encode()).hexdigest()
