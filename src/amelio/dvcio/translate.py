"""Every exception that DVC lets out becomes one of ours, with the place and the next step."""

import difflib
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from amelio import disk
from amelio.dvcio.places import find_place
from amelio.errors import AmelioError, EnvironmentFailedError, InputError, StageFailedError

if TYPE_CHECKING:
    from dvc.repo import Repo

_LOCK_HINT = "bring back a good one with `git checkout -- dvc.lock`, or mend it by hand"
_NO_GIT = "is not a git repository"
_NO_GIT_HINT = "make one with `git init`, or do without: `dvc config core.no_scm true`"
_NO_COMMIT = ("Empty git repo", "unknown Git revision 'HEAD'")
_NO_COMMIT_HINT = "make one with `git add .` and `git commit`"
_NO_DVC_HINT = "go to one, or make one here with `dvc init`"
_INPUT_ERRORS = frozenset(
    {
        "BadParamFileError",
        "ConfigError",
        "CyclicGraphError",
        "DuplicateStageName",
        "FileIsGitIgnored",
        "InvalidArgumentError",
        "InvalidStageName",
        "MissingParamsError",
        "MissingParamsFile",
        "NoOutputOrStageError",
        "NotDvcRepoError",
        "OutputDuplicationError",
        "OutputIsIgnoredError",
        "OutputIsStageFileError",
        "OverlappingOutputPathsError",
        "ParseError",
        "ResolveError",
        "StageFileBadNameError",
        "StageFileDoesNotExistError",
        "StageFileIsNotDvcFileError",
        "StageNameUnspecified",
        "StageNotFound",
        "StagePathAsOutputError",
        "StagePathNotDirectoryError",
        "StagePathNotFoundError",
        "StagePathOutsideError",
        "YAMLFileCorruptedError",
        "YAMLSyntaxError",
        "YAMLValidationError",
    }
)


def translated(
    error_class: type[AmelioError] = EnvironmentFailedError,
) -> AbstractContextManager[None]:
    """Turn DVC's and the system's exceptions into ours; `error_class` where neither says more."""
    return _Translation(error_class)


class _Translation(AbstractContextManager[None]):
    """Entered a dozen times for every stage: looks at nothing while all goes well."""

    def __init__(self, error_class: type[AmelioError]) -> None:
        self._error_class = error_class

    def __exit__(
        self, _kind: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, AmelioError):
            ours = _ours(error, self._error_class)
            if ours is not None:
                raise ours from error


def _ours(error: Exception, error_class: type[AmelioError]) -> AmelioError | None:
    """What to raise instead of `error`; None where it is a bug of ours."""
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.build import IgnoreInCollectedDirError
    from dvc_objects.errors import ObjectFormatError
    from scmrepo.exceptions import SCMError

    if isinstance(error, (DvcException, SCMError)) and any(w in str(error) for w in _NO_COMMIT):
        return InputError("there is no commit yet", hint=_NO_COMMIT_HINT)
    if isinstance(error, DvcException):
        names = {base.__name__ for base in type(error).__mro__}
        kind = InputError if names & _INPUT_ERRORS else error_class
        place = find_place(error) if kind is InputError else None
        text = (place.message if place else None) or explain(error)
        hint = place.hint if place else None
        if kind is InputError and not hint and "dvc.lock" in str(place.path if place else text):
            hint = _LOCK_HINT
        elif "NotDvcRepoError" in names:
            hint = _NO_DVC_HINT
        elif _NO_GIT in text:
            hint = _NO_GIT_HINT
        return kind(
            text,
            path=place.path if place else None,
            line=place.line if place else None,
            hint=hint,
        )
    if isinstance(error, OSError):
        return _unreadable(error) or error_class(disk.told(error))
    if isinstance(error, sqlite3.Error):
        return error_class(f"DVC's database of hashes: {error} ({disk.left('')})")
    if isinstance(error, (SCMError, IgnoreInCollectedDirError, ObjectFormatError)):
        return error_class(explain(error))
    return None


def _unreadable(error: OSError) -> EnvironmentFailedError | None:
    """For a file of DVC's own that this user may not read."""
    if not error.filename:
        return None
    path = os.path.relpath(os.fsdecode(error.filename))
    if error.errno != errno.EACCES or not path.endswith(("dvc.yaml", "dvc.lock", ".dvc")):
        return None
    return EnvironmentFailedError(
        f"{error.strerror}, but your user must be able to read it",
        path=path,
        hint=f"`ls -l {path}` shows whose it is; its owner lets you with `chmod a+r {path}`",
    )


@contextmanager
def fetching(what: str) -> Iterator[None]:
    """Around a transfer from a remote: whatever stops it becomes an EnvironmentFailedError."""
    from dvc.exceptions import DvcException, FileTransferError

    try:
        yield
    except (AmelioError, DvcException) as error:
        if not isinstance(error, FileTransferError):
            raise
        raise _not_fetched(what, error) from error
    except Exception as error:  # each kind of remote raises its own
        raise _not_fetched(what, error) from error


def _not_fetched(what: str, error: Exception) -> EnvironmentFailedError:
    return EnvironmentFailedError(
        f"{what} cannot be fetched: {explain(error)}",
        hint="`amelio health` asks the remote; what has arrived is kept: then run the same again",
    )


@contextmanager
def suggesting(repo: "Repo") -> Iterator[None]:
    """Add the names that come close to a stage that does not exist. Raises InputError."""
    from dvc.stage.exceptions import StageFileDoesNotExistError, StageNotFound

    try:
        yield
    except StageFileDoesNotExistError as error:
        name = os.path.relpath(error.file)
        if name != "dvc.yaml":
            files = {stage.relpath for stage in repo.index.stages}
            close = difflib.get_close_matches(name, files, n=1)
            hint = (
                f"did you mean '{close[0]}'?"
                if close
                else "`dvc stage list --all` shows all stages"
            )
            raise InputError(f"{name} is not there", hint=hint) from error
        root = Path(repo.root_dir)
        hint = (
            f"go to {os.path.relpath(root)}, which has one"
            if (root / name).exists()
            else "go to the folder that has one; `amelio new` writes the vision pipeline's"
        )
        raise InputError("there is no dvc.yaml here", hint=hint) from error
    except StageNotFound as error:
        close = difflib.get_close_matches(
            error.name, [s.addressing for s in repo.index.stages], n=1
        )
        hint = f"did you mean '{close[0]}'?" if close else "`dvc stage list` shows all stages"
        raise InputError(explain(error), hint=hint) from error


def stage_translated() -> AbstractContextManager[None]:
    """As `translated`, for what concerns one stage only."""
    return translated(StageFailedError)


def explain(error: BaseException) -> str:
    """DVC's message and those of its causes, one a line; the essential one is in the cause."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen).strip()
        if text and text not in lines:
            lines.append(text)
        seen = seen.__cause__
    return "\n  ".join(lines) or type(error).__name__
