"""Where a repository stands in Git, and what changed since an earlier commit."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from amelio.dvcio.figures.metrics import ProjectMetrics
from amelio.dvcio.git.named_revisions import require_revisions
from amelio.dvcio.git.plumbing import LITERALLY, succeeds

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "main", "origin/master", "master")


@dataclass(frozen=True)
class Position:
    """commit: HEAD's, in full; subject: its first line; changed: uncommitted tracked files."""

    commit: str
    subject: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Baseline:
    """The commit that results are compared with; commit: in full; why: what made it the one."""

    commit: str
    subject: str
    why: str


def position(folder: Path) -> Position | None:
    """Where `folder` stands; None without Git or before the first commit."""
    head = _lines(["log", "-1", "--format=%H%n%s"], folder)
    if not head:
        return None
    return Position(head[0], head[1] if len(head) > 1 else "", tuple(files_since("HEAD", folder)))


def baseline(folder: Path, revision: str | None = None) -> Baseline | None:
    """The commit to compare the workspace with; None where there is none.

    revision: a commit, branch, tag or experiment; None takes where the branch left the main one,
    on the main branch itself the last commit, or the one before when nothing is uncommitted

    Raises InputError for a revision that does not exist.
    """
    if revision is not None:
        require_revisions([revision], folder)
        commit = ProjectMetrics(folder).commit_of(revision)
        return None if commit is None else _named(commit, revision, folder)
    here = position(folder)
    if here is None:
        return None
    for branch in _main_branches():
        common = _lines(["merge-base", "--end-of-options", "HEAD", branch], folder)
        if common and common[0] != here.commit:
            return _named(common[0], f"where this branch left {branch}", folder)
        if common:
            break
    if here.changed:
        return Baseline(here.commit, here.subject, "the last commit")
    before = _lines(["rev-parse", "--verify", "--quiet", "HEAD~1"], folder)
    if before:
        return _named(before[0], "the commit before, since nothing is uncommitted", folder)
    return Baseline(here.commit, here.subject, "the last commit")


def is_shallow(folder: Path) -> bool:
    """Whether the clone has only the newest commits, as CI makes them."""
    return _lines(["rev-parse", "--is-shallow-repository"], folder) == ["true"]


def branch_name(folder: Path) -> str | None:
    """The branch that is checked out; None without one."""
    return next(iter(_lines(["symbolic-ref", "--quiet", "--short", "HEAD"], folder)), None)


def commits_since(commit: str, folder: Path) -> list[str]:
    """`1a2b3c4 subject` of every commit since `commit`, newest first; none if it is unknown."""
    return _lines(["log", "--format=%h %s", "--end-of-options", f"{commit}..HEAD"], folder)


def files_since(commit: str, folder: Path) -> list[str]:
    """Tracked files below `folder` that differ from `commit`, uncommitted changes included."""
    return _lines(["diff", "--name-only", "--relative", "--end-of-options", commit, "--"], folder)


def not_staged(folder: Path) -> list[str]:
    """Files below `folder` that `git add` would take, new folders as one; relative to it."""
    words = ["ls-files", "--modified", "--others", "--exclude-standard", "--directory"]
    return list(dict.fromkeys(_lines([*words, "--no-empty-directory"], folder)))


def differs(folder: Path, path: str) -> bool:
    """Whether `git checkout PATH` would change the file."""
    return not succeeds([LITERALLY, "diff", "--quiet", "--", path], folder)


def _named(commit: str, why: str, folder: Path) -> Baseline:
    subject = _lines(["log", "-1", "--format=%s", "--end-of-options", commit], folder)
    return Baseline(commit, subject[0] if subject else "", why)


def _main_branches() -> tuple[str, ...]:
    """What a pull request is to be merged into first, as GitHub's and GitLab's CI say it."""
    targets = (
        os.environ.get("GITHUB_BASE_REF"),
        os.environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
    )
    return (*(f"origin/{target}" for target in targets if target), *MAIN_BRANCHES)


def changed_files(folder: Path, old: str, new: str) -> list[tuple[str, str]]:
    """Git's letter (`A`, `M`, `D`) and path of every file below `folder` that differs.

    old, new: commits, or `workspace`
    """
    sides = [side for side in (old, new) if side != "workspace"]
    if not sides:
        return []
    backwards = ["-R"] if old == "workspace" else []
    words = ["diff", "--name-status", "--no-renames", "--relative", *backwards]
    rows = _lines([*words, "--end-of-options", *sides, "--"], folder)
    return [(row.split("\t", 1)[0], row.split("\t", 1)[1]) for row in rows]


def _lines(words: list[str], folder: Path) -> list[str]:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:  # without Git there is no history to tell of
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
