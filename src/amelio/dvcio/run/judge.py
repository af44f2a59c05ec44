"""Every reason for which a stage would run, as DVC decides it, with old and new."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from amelio.dvcio.run.folders import Folders, status_and_object
from amelio.model import Reason, ReasonKind, Verdict
from amelio.redaction import HIDDEN, is_secret_name, redacted

if TYPE_CHECKING:
    from dvc.dependency import Dependency, ParamsDependency
    from dvc.output import Output
    from dvc.stage import Stage

PROGRAMS = "py ipynb sh bash zsh r rmd jl js ts c cc cpp cu h hpp rs go java scala pl rb lua m sql"
PROGRAM_SUFFIXES = frozenset(f".{suffix}" for suffix in PROGRAMS.split())
_SHORT = 8
_MISSING = object()


def judge(
    stage: "Stage",
    upstream: Sequence["Stage"],
    entry: Callable[[], dict[str, Any] | None],
    folders: Folders,
    *,
    allow_missing: bool,
) -> Verdict:
    """Compare `stage` with its lock entry the way `Stage.changed` does, but without stopping at the
    first reason.

    folders: what folders had in them
    entry: gives the lock entry as it was read; asked only when the stage has a reason to run
    """
    items = [*stage.outs, *_deps_that_count(stage)]
    is_unknown = not any(item.hash_info for item in items) and hasattr(stage, "cmd_changed")
    if items and is_unknown and not allow_missing and entry() is None:
        return _never_ran(stage)  # each of them is a reason, and none would be told
    reasons = _command_reasons(stage, entry)
    missing: list[Reason] = []
    for dep in _deps_that_count(stage):
        for reason, is_excused in _dep_reasons(dep, upstream, folders):
            (missing if is_excused else reasons).append(reason)
    reasons += _always_reasons(stage)
    for out in stage.outs:
        word = _output_status(out)
        if word:
            new = _hash_now(out, word)
            note = "" if new else word
            reason = Reason(ReasonKind.OUTPUT, str(out), old=short_hash(out), new=new, note=note)
            (missing if word in ("not in cache", "deleted") else reasons).append(reason)
    is_pullable = bool(missing) and not reasons
    if not allow_missing:
        reasons += missing
    if reasons and hasattr(stage, "cmd_changed") and entry() is None:
        return _never_ran(stage)
    return Verdict(tuple(reasons), is_pullable)


def _never_ran(stage: "Stage") -> Verdict:
    return Verdict((Reason(ReasonKind.NEVER_RAN), *_always_reasons(stage)), is_pullable=False)


def _always_reasons(stage: "Stage") -> list[Reason]:
    if stage.frozen or not (stage.is_callback or stage.always_changed):
        return []
    note = "no dependencies and no outputs" if stage.is_callback else "always_changed"
    return [Reason(ReasonKind.ALWAYS, note=note)]


def _output_status(out: "Output") -> str:
    try:
        status = out.status()
    except FileNotFoundError:  # its object has gone from the cache
        return "a link that leads nowhere"
    return str(status[str(out)]) if status else ""


def short_hash(item: "Output") -> str | None:
    """The first letters of an output's recorded hash."""
    return str(item.hash_info.value)[:_SHORT] if item.hash_info else None


def is_program(path: str) -> bool:
    """Whether a dependency is code: a program file, or a folder with more program files than
    others.
    """
    pure = PurePath(path)
    if pure.suffix:
        return pure.suffix.lower() in PROGRAM_SUFFIXES
    import os

    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return False
    n_programs = sum(PurePath(name).suffix.lower() in PROGRAM_SUFFIXES for name in names)
    return n_programs * 2 > len(names)


def _command_reasons(stage: "Stage", entry: Callable[[], dict[str, Any] | None]) -> list[Reason]:
    if not stage.changed_stage():
        return []
    old = entry()
    if old is None:
        return [Reason(ReasonKind.COMMAND, note="the definition changed")]
    return [Reason(ReasonKind.COMMAND, old=_text(old.get("cmd")), new=_text(stage.cmd))]


def _deps_that_count(stage: "Stage") -> Iterable["Dependency"]:
    if stage.frozen or stage.is_callback or stage.always_changed:
        return ()
    deps: list[Dependency] = stage.deps
    return deps


def _dep_reasons(
    dep: "Dependency", upstream: Sequence["Stage"], folders: Folders
) -> list[tuple[Reason, bool]]:
    from dvc.dependency import ParamsDependency

    status, now = status_and_object(dep)
    if not status:
        return []
    found = status.get(str(dep), next(iter(status.values())))
    is_excused = found == "deleted" and not any(
        dep.fs_path == out.fs_path and dep.hash_info != out.hash_info
        for stage in upstream
        for out in stage.outs
    )
    if isinstance(dep, ParamsDependency):
        return [(reason, is_excused) for reason in _param_reasons(dep, found)]
    kind = ReasonKind.CODE if is_program(str(dep.fs_path)) else ReasonKind.DATA
    new = _hash_now(dep, str(found))
    note = folders.difference(dep, now) or ("" if new else str(found))
    return [(Reason(kind, str(dep), old=short_hash(dep), new=new, note=note), is_excused)]


def _hash_now(item: "Output", status: str) -> str | None:
    """The first letters of what something modified hashes to now."""
    return str(item.get_hash().value)[:_SHORT] if status == "modified" else None


def _param_reasons(dep: "ParamsDependency", found: object) -> list[Reason]:
    old = dep.hash_info.value if dep.hash_info and isinstance(dep.hash_info.value, dict) else {}
    if not isinstance(found, dict):
        return [Reason(ReasonKind.PARAMETER, str(dep), note=str(found))]
    new = dep.read_params()
    return [
        Reason(ReasonKind.PARAMETER, f"{dep}:{path}", old=_shown(path, was), new=_shown(path, now))
        for name in found
        for path, was, now in _changed(name, old.get(name, _MISSING), new.get(name, _MISSING))
    ]


def _changed(name: str, was: object, now: object) -> list[tuple[str, object, object]]:
    """What differs within two values of a parameter; of sections, only the keys that do."""
    if not isinstance(was, dict) or not isinstance(now, dict):
        return [(name, was, now)]
    return [
        each
        for key in {**was, **now}
        if was.get(key, _MISSING) != now.get(key, _MISSING)
        for each in _changed(f"{name}.{key}", was.get(key, _MISSING), now.get(key, _MISSING))
    ]


def _shown(name: str, value: object) -> str | None:
    """A parameter's value, if it has one; a secret's is nobody's business."""
    if value is _MISSING:
        return None
    return HIDDEN if is_secret_name(name) else redacted(_text(value))


def _text(value: object) -> str:
    return (
        "\n".join(map(str, value))
        if isinstance(value, list) and value and isinstance(value[0], str)
        else str(value)
    )
