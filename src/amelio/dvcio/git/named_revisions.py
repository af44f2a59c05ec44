"""Names of revisions that a user gave: known to Git or as experiments, or told which are."""

import difflib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from amelio.errors import InputError

WORKSPACE = "workspace"
_MOST_SHOWN = 12


def require_revisions(names: Sequence[str], folder: Path) -> None:
    """Raises InputError for the first name that is neither a revision nor an experiment.

    A repository without Git or without any commit is left to DVC.
    """
    if not _succeeds(["rev-parse", "--verify", "--quiet", "HEAD"], folder):
        return
    for name in names:
        if name != WORKSPACE and not _is_known(name, folder):
            raise InputError(f"no revision {name!r} in this repository", hint=_hint(name, folder))


def _is_known(name: str, folder: Path) -> bool:
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    if _succeeds(words, folder):
        return True
    base = name.partition("~")[0].partition("^")[0]
    return bool(_lines(["for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{base}"], folder))


def _hint(name: str, folder: Path) -> str:
    if name.startswith("HEAD"):
        n_commits = int("".join(_lines(["rev-list", "--count", "HEAD"], folder)))
        counted = f"{n_commits} commits" if n_commits > 1 else "one commit"
        return f"up to HEAD it has {counted}" + _shallow(folder)
    branches = _lines(["for-each-ref", "--format=%(refname:short)", "refs/heads"], folder)
    others = _lines(
        ["for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/remotes"], folder
    )
    experiments = [
        ref.rpartition("/")[2]
        for ref in _lines(["for-each-ref", "--format=%(refname)", "refs/exps/*/*/*"], folder)
    ]
    known = list(dict.fromkeys([*branches, *others, *experiments]))
    close = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[:_MOST_SHOWN]) + (", …" if len(known) > _MOST_SHOWN else "")
    start = f"did you mean {close[0]!r}? " if close else ""
    return f"{start}there are: {listed}, HEAD" + _shallow(folder)


def _shallow(folder: Path) -> str:
    shallow = _lines(["rev-parse", "--is-shallow-repository"], folder) == ["true"]
    return "; this is a shallow clone: `git fetch --unshallow` gets the rest" if shallow else ""


def _succeeds(words: list[str], folder: Path) -> bool:
    return _git(words, folder).returncode == 0


def _lines(words: list[str], folder: Path) -> list[str]:
    return _git(words, folder).stdout.splitlines()


def _git(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, errors="replace"
    )
