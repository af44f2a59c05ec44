"""Where in a user's file an error of DVC's is, and what was probably meant."""

# Paths are strings here: they come from DVC.
# ruff: noqa: PTH118

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from amelio.yaml_places import compose, line_in, line_of

STAGE_KEYS = (
    "cmd", "deps", "outs", "params", "metrics", "plots", "wdir", "vars", "frozen",
    "always_changed", "desc", "meta", "foreach", "matrix", "do",
)  # fmt: skip
TOP_KEYS = ("stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
OUT_KEYS = ("cache", "persist", "remote", "push", "desc", "type", "labels", "meta")
_ADDRESS = re.compile(r"([^\s'(:]+dvc\.yaml):([\w@-]+)")  # of a stage in another folder
_NAMED = re.compile(r"\bstage:? '([^']+)'", re.IGNORECASE)
_KEYS = re.compile(r"failed to parse '([\w.@-]+)' in '([^']+)':\s*(.*)", re.DOTALL)
_VARIABLE = re.compile(r"Could not find '([^']+)'")
_SETTING = re.compile(r"extra keys not allowed @ data\['([^']+)'\]\['([^']+)'\]")
_MISSING = re.compile(r"Parameters '([^']+)' are missing from '([^']+)'")


@dataclass(frozen=True)
class Place:
    """What to say instead of, or beside, DVC's message.

    message: None leaves DVC's
    line: 1-based
    """

    path: str
    line: int | None = None
    message: str | None = None
    hint: str | None = None


def find_place(error: BaseException) -> Place | None:
    """The place of an error, as far as it can be found out."""
    from dvc.config import ConfigError
    from dvc.stage.exceptions import StageFileIsNotDvcFileError
    from dvc.utils.serialize import YAMLFileCorruptedError
    from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

    if isinstance(error, YAMLSyntaxError):
        return _of_syntax(error)
    if isinstance(error, YAMLValidationError):
        return _of_validation(error)
    if isinstance(error, YAMLFileCorruptedError):
        return _of_mark(_shown(error.path), error.__cause__)
    if isinstance(error, ConfigError):
        return _of_settings(error)
    if isinstance(error, StageFileIsNotDvcFileError):
        return _of_folder(error)
    text = str(error)
    found = _KEYS.search(text)
    if found:
        return _of_template(found[1].split("."), found[2], found[3].strip())
    found = _MISSING.search(text)
    if found:
        return _of_parameter(found[1], found[2])
    return _of_stages(error)


def _of_syntax(error: Any) -> Place:
    place = _of_mark(_shown(error.relpath), error.exc.__cause__)
    return replace(place, message=f"not valid YAML{error.hint}") if error.hint else place


def _of_mark(path: str, cause: Any) -> Place:
    mark = getattr(cause, "problem_mark", None)
    problem = getattr(cause, "problem", None)
    message = f"not valid YAML: {problem}" if problem else "not valid YAML"
    return Place(path, mark.line + 1 if mark else None, message)


def _of_settings(error: Any) -> Place:
    found = _SETTING.search(str(error))
    if not found:
        told = str(error).removeprefix("config file error: ")
        return Place(os.path.join(".dvc", "config"), None, told, "`dvc config` writes it")
    name = f"{found[1]}.{found[2]}"
    hint = "`dvc config -u` takes a setting out"
    if name == "core.jobs":
        hint = "take it out there, and give it to `amelio config core.jobs N`"
    return Place(os.path.join(".dvc", "config"), None, f"{name}: DVC has no such setting", hint)


def _of_folder(error: BaseException) -> Place | None:
    path = str(error).split("'")[1]
    if not Path(path).is_dir():
        return None
    shown = os.path.relpath(path)
    hint = f"move it away; `git checkout -- {shown}` brings back what was committed"
    return Place(shown, None, "it is a folder, but must be a file", hint)


def _of_validation(error: Any) -> Place:
    if not error.text.strip():
        return Place(_shown(error.path), None, "the file is empty")
    told = []
    for one in error.exc.errors:
        keys = [str(getattr(key, "schema", key)) for key in one.path]
        told.append((line_in(error.text, keys), _what(keys, one.error_message)))
    first, rest = told[0], told[1:]
    others = "".join(f"\n  line {line}: {text}" for line, text in rest)
    return Place(_shown(error.path), first[0], first[1] + others)


def _what(keys: Sequence[str], message: str) -> str:
    name = ".".join(keys)
    if message == "extra keys not allowed":
        known = {1: TOP_KEYS, 3: STAGE_KEYS}.get(len(keys), OUT_KEYS)
        return f"{name}: unknown key; {_guess(keys[-1], known)}"
    if message == "required key not provided":
        return f"{name}: missing"
    return f"{name or 'the file'}: {message.removesuffix(' for dictionary value')}"


def _of_template(keys: Sequence[str], path: str, problem: str) -> Place:
    place = Path(path)
    line = line_of(place, keys)
    message = f"{'.'.join(keys)}: {problem}"
    found = _VARIABLE.search(problem)
    hint = None
    if found:
        params = place.with_name("params.yaml")
        known = list(_flat(yaml.safe_load(_read(params)) or {})) if params.exists() else []
        message = f"{'.'.join(keys)}: there is no variable '{found[1]}'"
        hint = _guess(found[1], known) if known else f"write it into {params}"
    return Place(path, line, message, hint)


def _of_parameter(names: str, path: str) -> Place:
    if not Path(path).exists():
        return Place(path, None, f"no such file, but a stage needs '{names}' of it")
    try:
        known = list(_flat(yaml.safe_load(_read(Path(path))) or {}))
    except yaml.YAMLError:
        known = []
    first = names.split(", ")[0]
    return Place(path, None, f"'{names}' is missing", _guess(first, known) if known else None)


def _of_stages(error: BaseException) -> Place | None:
    """Errors about the graph, at the first stage that they name."""
    text = str(error)
    told = {name.partition("@")[0] for name in _stages_in(error) or _NAMED.findall(text)}
    named = sorted(_ADDRESS.findall(text)) or [
        ("dvc.yaml", name) for name in _names(compose(_read(Path("dvc.yaml")))) if name in told
    ]
    if not named:
        return None
    path, name = named[0]
    message, hint = _of_graph(error)
    return Place(path, line_of(path, ["stages", name]), message, hint)


def _stages_in(error: BaseException) -> list[str]:
    """The stages that an error about the graph is about; DVC names them in an order that changes
    from run to run.
    """
    from dvc.exceptions import (
        CyclicGraphError,
        OutputDuplicationError,
        OverlappingOutputPathsError,
    )

    if isinstance(error, CyclicGraphError):
        return sorted(str(error).rpartition(": ")[2].rstrip(".").split(", "))
    if isinstance(error, OutputDuplicationError):
        return sorted(stage.addressing for stage in error.stages)
    if isinstance(error, OverlappingOutputPathsError):
        return [out.stage.addressing for out in (error.parent, error.overlapping_out)]
    return []


def _of_graph(error: BaseException) -> tuple[str | None, str | None]:
    from dvc.exceptions import (
        CyclicGraphError,
        OutputDuplicationError,
        OverlappingOutputPathsError,
    )

    names = _stages_in(error)
    if isinstance(error, CyclicGraphError):
        where = f"of stage {names[0]}" if len(names) == 1 else f"in a ring: {', '.join(names)}"
        return (
            f"the same file is a dependency and an output {where}",
            "take it out of `deps:` of one of them" if len(names) > 1 else "rename one of them",
        )
    if isinstance(error, OutputDuplicationError):
        return (
            f"output '{error.output}' is specified in several stages: {', '.join(names)}",
            "let one of them make it",
        )
    if isinstance(error, OverlappingOutputPathsError):
        both = (error.parent, error.overlapping_out)
        told = ", ".join(f"'{out}' of {out.stage.addressing}" for out in both)
        return f"outputs overlap: {told}", "name the folder alone, or files beside it"
    return None, None


def _names(tree: yaml.Node | None) -> list[str]:
    pairs = tree.value if isinstance(tree, yaml.MappingNode) else []
    stages = next((value for key, value in pairs if key.value == "stages"), None)
    return [k.value for k, _ in stages.value] if isinstance(stages, yaml.MappingNode) else []


def _flat(values: Any, prefix: str = "") -> Iterable[str]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield f"{prefix}{key}"
            yield from _flat(value, f"{prefix}{key}.")


def _guess(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    listed = ", ".join(known[:20])
    return f"did you mean '{close[0]}'?" if close else f"known are {listed}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _shown(path: str) -> str:
    return os.path.normpath(path)
