"""Git's plumbing, which leaves the user's tree, index and branches alone."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from amelio.errors import EnvironmentFailedError

_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "advice.detachedHead=false")
LITERALLY = "--literal-pathspecs"  # a path with a `*` is that path
NOBODY = {
    "GIT_AUTHOR_NAME": "amelio",
    "GIT_AUTHOR_EMAIL": "amelio@localhost",
    "GIT_COMMITTER_NAME": "amelio",
    "GIT_COMMITTER_EMAIL": "amelio@localhost",
}


def plumb(
    words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, given: str = ""
) -> str:
    """Run `git WORDS` without hooks; returns what it prints.

    given: its standard input
    Raises EnvironmentFailedError with Git's own words.
    """
    try:
        done = subprocess.run(
            ["git", *_QUIET, *words],
            cwd=folder,
            env=_environment(env),
            input=given,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise EnvironmentFailedError("git is not installed", hint="install git 2.30+") from error
    if done.returncode:
        told = " ".join([word for word in words if word != LITERALLY][:2])
        raise EnvironmentFailedError(f"`git {told}`: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def succeeds(words: Sequence[str], folder: Path) -> bool:
    """Whether `git WORDS` ends well."""
    done = subprocess.run(
        ["git", *_QUIET, *words], cwd=folder, env=_environment(None), capture_output=True
    )
    return done.returncode == 0


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """Ours, without what a Git hook that called us would have set for its own repository."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_INDEX_FILE")}
    return {**inherited, "GIT_OPTIONAL_LOCKS": "0", **(env or {})}
