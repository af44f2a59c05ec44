"""Files as of any revision or experiment, whether Git or DVC has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amelio.dvcio.repository import NO_REMOTE, open_repo
from amelio.errors import EnvironmentFailedError, InputError


class RevisionFiles:
    """The project's files as of one commit; paths are relative to the project.

    commit: in full
    """

    def __init__(self, name: str, commit: str, files: Any) -> None:
        self.name, self.commit, self._files = name, commit, files

    def copy(self, path: str, target: Path) -> None:
        """Write the file `path` to `target`; one of DVC's from its cache, else from the remote.

        Raises InputError when the revision has no such file, EnvironmentFailedError when it has
        but neither cache nor remote do.
        """
        if not self._files.exists(path):
            raise InputError(f"the revision {self.name!r} has no file {path}")
        tracked = self._files.info(path).get("dvc_info")
        if tracked and tracked["entry"].hash_info is None:
            raise InputError(f"the pipeline had not made {path} yet in {self.name!r}")
        with self._reading(path):
            self._files.get_file(path, str(target))

    def text(self, path: str) -> str | None:
        """The file's text; None where the revision has no such file.

        Raises EnvironmentFailedError when neither cache nor remote have it.
        """
        if not self._files.exists(path):
            return None
        with self._reading(path):
            return str(self._files.read_text(path, encoding="utf-8"))

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of remote raises its own
            raise EnvironmentFailedError(
                f"{path} of {self.name} ({self.commit[:7]}) is neither in DVC's cache nor in its "
                f"remote: {error}",
                hint="push it from where it was made (`amelio push`, `amelio exp push`), "
                "or make it again",
            ) from error


def recorded_text(project: Path, path: str) -> str | None:
    """A file that the workspace lacks and dvc.lock records, from DVC's cache.

    path: relative to the project
    returns: None where dvc.lock records no such file, or Git keeps it

    Raises EnvironmentFailedError when the cache does not have it.
    """
    from dvc.exceptions import DvcException, OutputNotFoundError

    try:
        with open_repo(str(project), config=NO_REMOTE) as repo:
            (out, *_) = repo.find_outs_by_path(str(project / path), strict=False)
            if not out.use_cache or not out.hash_info:
                return None
            return RevisionFiles("the workspace", "dvc.lock", repo.dvcfs).text(path)
    except OutputNotFoundError:
        return None
    except DvcException as error:
        raise EnvironmentFailedError(f"DVC cannot look for {path}: {error}") from error


@contextmanager
def revision_files(project: Path, revision: str) -> Iterator[RevisionFiles]:
    """Open the DVC project in the folder `project` as of a commit, branch, tag or experiment.

    Raises InputError when there is no such revision, or it is no DVC project.
    """
    from dvc.exceptions import DvcException

    try:
        with open_repo(str(project)) as here:
            # the revision's own .dvc/config may lack a remote that was added later
            settings = dict(here.config)
        with open_repo(str(project), rev=revision, config=settings) as repo:
            files = RevisionFiles(revision, repo.get_rev(), repo.dvcfs)
            yield files
    except DvcException as error:
        raise InputError(
            f"no revision, experiment or file {revision!r}: {error}",
            hint="`git log --oneline` and `amelio exp show` list what there is",
        ) from error
