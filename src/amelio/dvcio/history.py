"""Where a repository stands in Git, and what changed since an earlier commit."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Position:
    """commit: HEAD's, in full; subject: its first line; changed: uncommitted tracked files."""

    commit: str
    subject: str
    changed: tuple[str, ...]


def position(folder: Path) -> Position | None:
    """Where `folder` stands; None without Git or before the first commit."""
    head = _lines(["log", "-1", "--format=%H%n%s"], folder)
    if not head:
        return None
    return Position(head[0], head[1] if len(head) > 1 else "", tuple(files_since("HEAD", folder)))


def commits_since(commit: str, folder: Path) -> list[str]:
    """`1a2b3c4 subject` of every commit since `commit`, newest first; none if it is unknown."""
    return _lines(["log", "--format=%h %s", "--end-of-options", f"{commit}..HEAD"], folder)


def files_since(commit: str, folder: Path) -> list[str]:
    """Tracked files below `folder` that differ from `commit`, uncommitted changes included."""
    return _lines(["diff", "--name-only", "--relative", "--end-of-options", commit, "--"], folder)


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
