"""Metrics files as DVC reads them: JSON, TOML, and YAML under every other name."""

import difflib
import json
import math
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath, PurePosixPath
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from amelio.expressions import NoValueError

MAX_BYTES = 10 * 1024**2  # a metrics file is read by people; a larger one is a mistake


class MetricsSource(Protocol):
    """Where the texts of metrics files come from."""

    def text(self, path: str, revision: str | None) -> str | None:
        """The file in the workspace, or as of `revision`; None where there is no such file.

        Raises NoValueError when it is there but cannot be had.
        """

    def path_of(self, stem: str) -> str:
        """The metrics file of the pipeline with this name without suffix.

        Raises NoValueError unless there is exactly one.
        """


def is_inside(path: str) -> bool:
    """Whether `path` is relative and stays inside the project, wherever its links lead."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith(("/", "~")) and not {"..", "\\"} & {*parts, *path}


def parse_metrics(text: str, path: str) -> Any:
    """The file's content as plain data. Raises NoValueError when it is not what its name says."""
    if len(text) > MAX_BYTES:
        raise NoValueError(f"{path} is larger than {MAX_BYTES // 1024**2} MB")
    suffix = PurePath(path).suffix.lower()
    try:
        if suffix == ".json":
            return json.loads(text)
        return tomllib.loads(text) if suffix == ".toml" else YAML(typ="safe").load(text)
    except (ValueError, YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoValueError(f"{path} is not readable: {first}") from error


def find(data: Any, key: str, path: str) -> Any:
    """The value at the dotted `key`; a key of the file may have dots itself, list indices are
    numbers.

    Raises NoValueError with the nearest key that there is.
    """
    found, value = _find(data, key)
    if not found:
        near = difflib.get_close_matches(key, list(islice(_keys(data), 500)), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise NoValueError(f"no key {key} in {path}{hint}")
    return value


def as_number(value: Any, source: str) -> float | int:
    """`value` if it is a finite number. Raises NoValueError for texts, NaN, true, lists and all."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        kinds = {dict: "a section", list: "a list", type(None): "empty", bool: "true or false"}
        kind = kinds.get(type(value), f"{str(value)[:40]!r}")
        raise NoValueError(f"{source} is {kind}, not a number")
    if not math.isfinite(value):
        raise NoValueError(f"{source} is {value}, not a finite number")
    return value


def _find(data: Any, key: str) -> tuple[bool, Any]:
    if isinstance(data, dict) and key in data:
        return True, data[key]
    for at in (at for at, sign in enumerate(key) if sign == "."):
        found, inner = _step(data, key[:at])
        if found:
            found, inner = _find(inner, key[at + 1 :])
        if found:
            return True, inner
    return _step(data, key)


def _step(data: Any, key: str) -> tuple[bool, Any]:
    if isinstance(data, dict) and key in data:
        return True, data[key]
    if isinstance(data, list) and key.isdecimal() and int(key) < len(data):
        return True, data[int(key)]
    return False, None


def _keys(data: Any, prefix: str = "", depth: int = 6) -> Iterator[str]:
    """Dotted keys for suggestions, not too many: a file may be large or hold itself."""
    if not isinstance(data, dict) or not depth:
        return
    for key, value in data.items():
        yield f"{prefix}{key}"
        yield from _keys(value, f"{prefix}{key}.", depth - 1)
