"""A trained model by name: of the workspace, of a file, of a revision or of an experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from amelio.dvcio.git.revisions import revision_files
from amelio.errors import InputError
from amelio.vision.checkpoint import Model, load_model
from amelio.vision.params import EvaluateParams

MODEL = "models/best_model.pth"
PARAMS = "params.yaml"
WORKSPACE = "workspace"


@dataclass(frozen=True)
class FoundModel:
    """name: as asked for; place: where it is from; warning: why it may not be judged today."""

    name: str
    place: str
    model: Model
    content: bytes
    warning: str = ""


def find_model(project: Path, name: str, today: EvaluateParams, scratch: Path) -> FoundModel:
    """The model that `name` means: `workspace`, a file, or a revision or experiment, in this order.

    today: the split of the workspace; scratch: an empty folder for temporary files

    Raises InputError when there is none, or it is no model of amelio.
    """
    file = _present_file(project, name)
    if file is not None:
        place = f"the {name}" if name == WORKSPACE else name
        return FoundModel(name, place, load_model(file), file.read_bytes())
    copied = scratch / "model.pth"
    with revision_files(project, name) as files:
        files.copy(MODEL, copied)
        warning = _seen(files.text(PARAMS), today)
        place = f"{name} ({files.commit[:7]})"
    try:
        return FoundModel(name, place, load_model(copied), copied.read_bytes(), warning)
    except InputError as error:
        raise InputError(error.message, path=f"{name}:{MODEL}") from error


def _present_file(project: Path, name: str) -> Path | None:
    """What is no revision: its path, from the working directory or from the project."""
    if name == WORKSPACE:
        return project / MODEL
    return next((path for path in (Path(name), project / name) if path.is_file()), None)


def _seen(params: str | None, today: EvaluateParams) -> str:
    """Whether a model made with `params` learnt from images that are today's test images."""
    then = _split(params)
    if then.random_state == today.random_state and then.test_size >= today.test_size:
        return ""
    return (
        f"trained with evaluate.random_state {then.random_state} and test_size {then.test_size:g}, "
        f"today {today.random_state} and {today.test_size:g}: it has seen some of the test images"
    )


def _split(params: str | None) -> EvaluateParams:
    """The two keys that decide it, from a file that today's rules need not fit."""
    try:
        tree: Any = YAML(typ="safe", pure=True).load(params or "") or {}
        section = tree.get("evaluate", {})
        keys = {key: section[key] for key in ("random_state", "test_size") if key in section}
        return EvaluateParams.model_validate(keys)
    except (YAMLError, AttributeError, TypeError, ValueError):
        return EvaluateParams()
