"""`amelio promote`: make a model the champion, which new ones are compared with."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from amelio.actions.model_source import PARAMS, WORKSPACE, find_model
from amelio.actions.pipeline_file import add_dependency
from amelio.atomic import write_bytes
from amelio.dvcio.facts.tracking import dvc_tracks
from amelio.dvcio.project import track
from amelio.errors import InputError
from amelio.vision.params import load_params

CHAMPION = "models/champion.pth"
PIPELINE = "dvc.yaml"
STAGE = "compare_models"


@dataclass(frozen=True)
class Promotion:
    """What `promote` did.

    place: where the model is from
    is_dependency: the stage `compare_models` depends on the champion; where not, the pipeline has
        no such stage
    commit: files that belong into Git now
    """

    place: str
    is_dependency: bool
    warning: str
    commit: tuple[str, ...]


def promote(project: Path, name: str = WORKSPACE) -> Promotion:
    """Make the model of the workspace, of a revision or of an experiment the champion.

    The champion is versioned by `dvc add`; the first one also becomes a dependency of the stage
    `compare_models` in dvc.yaml. Until then the stage has no such dependency, since DVC fails a
    stage of which one is missing.

    Raises InputError when there is no such model, EnvironmentFailedError when it is out of reach.
    """
    today = load_params(project / PARAMS).evaluate
    with tempfile.TemporaryDirectory() as scratch:
        found = find_model(project, name, today, Path(scratch))
    champion = project / CHAMPION
    write_bytes(champion, found.content)
    track([CHAMPION], project)
    if not dvc_tracks(champion, project):
        raise InputError(
            f"DVC overlooks {CHAMPION}.dvc, since a .gitignore covers its whole folder",
            hint="write '/models/*.pth' into .gitignore instead, then promote again",
        )
    is_dependency = add_dependency(project / PIPELINE, STAGE, CHAMPION)
    commit = (f"{CHAMPION}.dvc", *([PIPELINE] if is_dependency else []))
    return Promotion(found.place, is_dependency, found.warning, commit)
