"""What DVC tracks, as DVC sees it."""

from pathlib import Path

from amelio.dvcio.repository import open_repo
from amelio.errors import EnvironmentFailedError


def dvc_tracks(path: Path, project: Path) -> bool:
    """Whether `path` is an output that DVC knows of.

    Not every `.dvc` file is one: DVC looks into no folder that `.gitignore` covers, and takes
    `/models/*` for covering `models`, whatever a later `!/models/*.dvc` says (3.67.1). It would
    delete such a file at the next `dvc checkout`.
    """
    from dvc.exceptions import DvcException

    wanted = str(path.resolve())
    try:
        with open_repo(str(project)) as repo:
            return any(str(output.fs_path) == wanted for output in repo.index.outs)
    except DvcException as error:
        raise EnvironmentFailedError(f"DVC cannot read the pipeline: {error}") from error
