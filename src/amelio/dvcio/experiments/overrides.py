"""`--set-param` as DVC reads it: its grammar, grids as products, and their way into the files."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.atomic import replacing, write_bytes
from amelio.dvcio.translate import explain
from amelio.errors import InputError

if TYPE_CHECKING:
    from dvc.repo import Repo

Overrides = Mapping[str, tuple[str, ...]]
PARAMS_FILE = "params.yaml"
_NAME_HINT = "the name has to be in the file: `+name=value` adds one, `~name` takes one away"
_VALUE_HINT = (
    "a value is one word, a list `a,b`, `choice(a,b)` or `range(1,10,3)`;"
    """ other text stands in quotes: -S 'name="a; b"'"""
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?P<is_broken>\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)?")
_DOTTED = re.compile(r"\w+(?:\.\w+)*")


def combinations(values: Sequence[str]) -> list[Overrides]:
    """What each experiment is to set, by parameters file: the product of all lists and ranges.

    Raises InputError for what DVC does not understand.
    """
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import get_hydra_sweeps

    if not values:
        return [{}]
    by_path = to_path_overrides(values)
    with _explained(values, _VALUE_HINT):
        if _has_lists(by_path):
            return [
                {path: tuple(v) for path, v in one.items()} for one in get_hydra_sweeps(by_path)
            ]
    return [{path: tuple(v) for path, v in by_path.items()}]


def files_of(values: Sequence[str]) -> list[str]:
    """The parameters files that they are for, relative to the working directory."""
    from dvc.utils.cli_parse import to_path_overrides

    return list(to_path_overrides(values))


def _has_lists(by_path: Mapping[str, list[str]]) -> bool:
    from dvc.utils.hydra import to_hydra_overrides

    return any(
        found.is_sweep_override() for v in by_path.values() for found in to_hydra_overrides(v)
    )


def is_hydra_on(repo: "Repo") -> bool:
    """Whether DVC composes `params.yaml` from a Hydra configuration."""
    return bool(repo.config.get("hydra", {}).get("enabled", False))


def apply(repo: "Repo", overrides: Overrides, *, no_hydra: bool) -> None:
    """Write the values into the parameters files below the working directory, each all or nothing.

    Raises InputError for a file or parameter that is not there.
    """
    wanted = {path: list(values) for path, values in overrides.items()}
    if is_hydra_on(repo) and not no_hydra:
        values = wanted.pop(PARAMS_FILE, [])
        with _explained(values), replacing(Path(PARAMS_FILE)) as made:
            _compose(repo, made, values)
    for path, values in wanted.items():
        write_bytes(Path(path), _changed(Path(path), values))


def check(repo: "Repo", overrides: Overrides) -> None:
    """Raises InputError when `apply` would; writes nothing."""
    for path, values in overrides.items():
        if path != PARAMS_FILE or not is_hydra_on(repo):
            _changed(Path(path), list(values))


def with_values(data: Mapping[str, Any], values: Sequence[str]) -> dict[str, Any]:
    """A parameters file's content as it is once `values` are set; unchanged where they do not fit.

    Numbers in place of what is there are set here: Hydra takes 5 ms for each.
    """
    found = deepcopy(dict(data))
    others = [value for value in values if not _set_number(found, value)]
    if not others:
        return found
    from dvc.utils.hydra import to_hydra_overrides, to_omegaconf
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = OmegaConf.create(to_omegaconf(found), flags={"allow_objects": True})
        OmegaConf.set_struct(config, True)
        ConfigLoaderImpl._apply_overrides_to_config(to_hydra_overrides(others), config)
        changed: Any = OmegaConf.to_object(config)
    except (HydraException, OmegaConfBaseException):
        return found
    return dict(changed)


def _set_number(data: dict[str, Any], override: str) -> bool:
    name, _, text = override.partition("=")
    number = _NUMBER.fullmatch(text)
    if not number or not _DOTTED.fullmatch(name):
        return False
    *sections, last = name.split(".")
    place: Any = data
    for section in sections:
        place = place.get(section) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        return False
    place[last] = float(text) if number["is_broken"] else int(text)
    return True


def _changed(path: Path, values: list[str]) -> bytes:
    """The file's content with the values set."""
    from dvc.utils.hydra import apply_overrides

    if not path.is_file():
        raise InputError(f"{path}: no such parameters file")
    with tempfile.TemporaryDirectory(prefix="amelio-params-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(path.read_bytes())
        try:
            with _explained(values):
                apply_overrides(copy, values)
        except InputError as error:
            for problem in _unknown_names(path, values):
                raise InputError(f"--set-param {problem}", hint=_NAME_HINT) from error
            raise
        return copy.read_bytes()


def _unknown_names(path: Path, values: Sequence[str]) -> Iterator[str]:
    """What is wrong with each name that has to be in the file, and is not."""
    from dvc.fs import localfs
    from dvc.utils.hydra import to_hydra_overrides
    from dvc.utils.serialize import load_path
    from hydra.core.override_parser.types import OverrideType
    from hydra.errors import HydraException

    try:
        found = to_hydra_overrides(list(values))
    except HydraException:
        return
    data = load_path(path, localfs)
    for override in found:
        if override.type in (OverrideType.CHANGE, OverrideType.DEL):
            problem = _unknown_part(data, override.key_or_group)
            if problem:
                yield f"{override.input_line}: {path} {problem}"


def _unknown_part(data: Any, name: str) -> str | None:
    """The first part of the dotted name that is not there, and what may have been meant; None for
    the place in a list.
    """
    from amelio.yaml_problems import suggestion

    parts = name.split(".")
    for place, part in enumerate(parts):
        if isinstance(data, list) and part.isdecimal():
            return None
        if not isinstance(data, dict):
            return f"has no section '{'.'.join(parts[:place])}'"
        if part not in data:
            elsewhere = [
                f"{key}.{name}" for key, v in data.items() if isinstance(v, dict) and name in v
            ]
            if elsewhere:
                return f"has no '{name}'; did you mean {' or '.join(map(repr, elsewhere))}?"
            section = f" in {'.'.join(parts[:place])}" if place else ""
            return f"has no '{part}'{section}; {suggestion(part, [str(key) for key in data])}"
        data = data[part]
    return None


def _compose(repo: "Repo", target: Path, values: list[str]) -> None:
    """As DVC's `BaseStashQueue._update_params` for its own Hydra file."""
    from dvc.utils.hydra import compose_and_dump

    settings = repo.config.get("hydra", {})
    module = settings.get("config_module")
    folder = None if module else str(Path(repo.root_dir, settings.get("config_dir", "conf")))
    compose_and_dump(
        target.with_suffix(".yaml"),
        folder,
        module,
        settings.get("config_name", "config"),
        str(Path(repo.root_dir, settings.get("plugins_path", ""))),
        values,
    )
    target.with_suffix(".yaml").rename(target)


@contextmanager
def _explained(values: Sequence[str], hint: str = _NAME_HINT) -> Iterator[None]:
    from dvc.exceptions import DvcException
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except (DvcException, HydraException, OmegaConfBaseException, ValueError) as error:
        cause = explain(error.__cause__ or error).splitlines()[0]
        if cause.startswith("LexerNoViableAlt"):  # the parser's own name for a wrong sign
            cause = "not a value in Hydra's grammar"
        is_named = all("=" in value or value.startswith("~") for value in values)
        raise InputError(
            f"--set-param {' '.join(values)}: {cause}",
            hint=hint if is_named else "expected NAME=VALUE, such as train.epochs=10",
        ) from error
