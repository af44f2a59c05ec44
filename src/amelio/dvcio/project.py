"""Git and DVC repositories as a new project needs them: found, made, told what to track."""

import os
import subprocess
from pathlib import Path

from amelio.dvcio.passthrough import call_dvc
from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import translated
from amelio.errors import EnvironmentFailedError, InputError


def ensure_repository(folder: Path) -> list[str]:
    """Make `folder` a part of a Git and a DVC repository; returns what was made, in words.

    A folder that an enclosing Git repository ignores counts as being in none.
    """
    made = []
    top = _git_top(folder)
    if top is None or _ignored(folder):
        git(["init", "--quiet"], folder)
        top = folder.resolve()
        made.append("a Git repository")
    if not _in_dvc(folder, top):
        is_below = folder.resolve() != top
        call_dvc(["init", "--quiet", *(["--subdir"] if is_below else [])], folder)
        made.append("a DVC repository" + f", part of the Git repository {top}," * is_below)
    return made


def track(paths: list[str], folder: Path) -> None:
    """`dvc add` each of `paths` (relative to `folder`)."""
    call_dvc(["add", "--", *paths], folder)


def git(words: list[str], folder: Path) -> str:
    """Run `git WORDS` in `folder` and return what it prints.

    Raises EnvironmentFailedError with Git's own words when it fails or is not installed.
    """
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise EnvironmentFailedError("git is not installed", hint="install git 2.30+") from error
    if done.returncode:
        raise EnvironmentFailedError(
            f"`git {' '.join(words)}` failed in {folder}:\n{done.stderr.strip()}"
        )
    return done.stdout.strip()


def ensure_identity(folder: Path) -> None:
    """Give the repository of `folder` an identity of its own where Git knows of none."""
    known = subprocess.run(["git", "var", "GIT_AUTHOR_IDENT"], cwd=folder, capture_output=True)
    if known.returncode:
        git(["config", "--local", "user.name", "amelio demo"], folder)
        git(["config", "--local", "user.email", "demo@localhost"], folder)


def commit_all(folder: Path, message: str) -> None:
    """Commit whatever changed below `folder`; nothing when nothing did."""
    git(["add", "."], folder)
    if git(["status", "--porcelain", "."], folder):
        git(["commit", "--quiet", "--no-verify", "--message", message, "--", "."], folder)


def is_committed(folder: Path, path: str) -> bool:
    """Whether the last commit has the file."""
    return bool(git(["ls-tree", "--name-only", "HEAD", "--", path], folder))


def dvc_root(folder: Path) -> Path | None:
    """The folder of the DVC repository that `folder` is in, as an absolute path."""
    inside = folder.resolve()
    return next((place for place in (inside, *inside.parents) if (place / ".dvc").is_dir()), None)


def project_root(folder: Path) -> Path:
    """The root of the DVC repository that `folder` is in, else `folder`; relative to it."""
    found = dvc_root(folder)
    return folder if found is None else Path(os.path.relpath(found, folder.resolve()))


def pipeline_root(folder: Path) -> Path:
    """The nearest folder with a params.yaml, from `folder` up to its DVC repository's root.

    Relative to `folder`; `folder` itself when there is none.
    """
    inside, root = folder.resolve(), dvc_root(folder)
    above = [place for place in inside.parents if root and place.is_relative_to(root)]
    found = (place for place in (inside, *above) if (place / "params.yaml").is_file())
    return Path(os.path.relpath(next(found, inside), inside))


def present_cache(root: Path) -> Path:
    """The folder of the DVC cache of the repository `root`, as it is configured now."""
    from dvc.exceptions import DvcException

    try:
        with open_repo(str(root)) as repo:
            return Path(repo.cache.local_cache_dir)
    except DvcException as error:
        raise EnvironmentFailedError(f"DVC cannot read its configuration: {error}") from error


def default_remote(root: Path) -> tuple[str, str]:
    """Name and URL of the default remote of the DVC repository at `root`; empty without one."""
    from dvc.config import Config

    with translated(InputError):
        settings = Config(str(root / ".dvc"))
        name = settings["core"].get("remote") or ""
        return name, str(settings["remote"].get(name, {}).get("url", ""))


def _git_top(folder: Path) -> Path | None:
    try:
        return Path(git(["rev-parse", "--show-toplevel"], folder))
    except EnvironmentFailedError as error:
        if "not a git repository" not in error.message:
            raise
        return None


def _ignored(folder: Path) -> bool:
    done = subprocess.run(["git", "check-ignore", "--quiet", "."], cwd=folder, check=False)
    return done.returncode == 0


def _in_dvc(folder: Path, top: Path) -> bool:
    inside = folder.resolve()
    candidates = [inside, *inside.parents]
    return any((place / ".dvc").is_dir() for place in candidates[: candidates.index(top) + 1])
