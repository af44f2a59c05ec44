"""YAML files as typed values; every wrong key or value is refused at once, with its line."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from amelio.errors import InputError, all_of
from amelio.yaml_problems import misspelt_sections, problem_text

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """The file as ruamel's round-trip tree, which knows its lines; an empty file is an empty dict.

    Raises InputError when it is missing, not YAML, or not a mapping.
    """
    try:
        tree = YAML().load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, hint="run it at the project's root") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", path=path, line=line) from error
    except (YAMLError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise InputError(f"not readable as YAML: {type(error).__name__}", path=path) from error
    if not isinstance(tree, dict):
        raise InputError("expected sections with keys (`section:`)", path=path, line=1)
    return tree


def checked(tree: Any, model: type[Model], path: Path, *, is_ours: bool = True) -> Model:
    """`tree` of `read_yaml(path)` as a `model`, whose unknown sections are the user's own.

    is_ours: whether an unknown section that looks like one of the model's is a misspelt one

    Raises InputError with every unknown key, wrong value and misspelt section.
    """
    problems = misspelt_sections(tree, list(model.model_fields)) if is_ours else []
    try:
        values = model.model_validate(plain(tree))
    except ValidationError as error:
        problems += [problem_text(tree, model, dict(detail)) for detail in error.errors()]
        raise InputError(all_of(problems), path=path) from error
    if problems:
        raise InputError(all_of(problems), path=path)
    return values


def plain(tree: Any) -> Any:
    """Round-trip nodes as plain dicts, lists and scalars; what an alias repeats stays shared."""
    return _plain(tree, {})


def _plain(value: Any, done: dict[int, Any]) -> Any:
    if not isinstance(value, dict | list):
        return value
    if id(value) in done:  # else nine aliases of nine aliases of … would fill the memory
        return done[id(value)]
    copy: Any = {} if isinstance(value, dict) else []
    done[id(value)] = copy  # before it is filled: it may hold itself
    if isinstance(value, dict):
        copy.update((str(key), _plain(item, done)) for key, item in value.items())
    else:
        copy.extend(_plain(item, done) for item in value)
    return copy
