"""What Git has of a project: tracked files, uncommitted changes, how deep its history is."""

import subprocess
from pathlib import Path

from amelio.dvcio.facts.facts import GitFacts

# A repository's own settings may name programs that Git would start.
SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=off")


def git_facts(root: Path) -> GitFacts | None:
    """What Git knows of the folder `root`; None where it is in no Git repository."""
    if git_output(["rev-parse", "--git-dir"], root) is None:
        return None
    head = git_output(["rev-parse", "--verify", "--quiet", "HEAD"], root)
    tracked = git_output(["ls-files", "-z"], root) or ""
    against = "HEAD" if head else "--cached"
    changed = git_output(["diff", "--name-only", "--relative", "-z", against, "--"], root) or ""
    shallow = git_output(["rev-parse", "--is-shallow-repository"], root)
    return GitFacts(
        commit=head.strip() if head else None,
        tracked=frozenset(filter(None, tracked.split("\0"))),
        changed=tuple(filter(None, changed.split("\0"))),
        is_shallow=(shallow or "").strip() == "true",
    )


def git_output(words: list[str], folder: Path) -> str | None:
    """What `git WORDS` prints; None when it fails or there is no Git."""
    try:
        done = subprocess.run(
            ["git", *SAFE, *words], cwd=folder, capture_output=True, text=True, errors="replace"
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
