"""`amelio repro` when there is nothing to do: answered before typer or DVC are imported."""

from collections.abc import Sequence
from pathlib import Path

from amelio.engine.instant import STATE_FOLDER, answer, key

SELECTING = {
    "--single-item": "s", "-s": "s", "--pipeline": "p", "-p": "p",
    "--all-pipelines": "P", "-P": "P", "--recursive": "R", "-R": "R",
    "--downstream": "downstream", "--glob": "glob", "--allow-missing": "allow-missing",
}  # fmt: skip
HARMLESS = frozenset(
    ["-k", "--keep-going", "--ignore-errors", "--no-run-cache", "--no-commit", "--no-wait"]
)
QUIET = frozenset(["-q", "--quiet"])
WITH_VALUE = frozenset(["-j", "--jobs"])


def instant(words: Sequence[str]) -> int | None:
    """Say that nothing is to be done, and return 0; None when that takes a proper look.

    words: those after `repro`
    """
    selecting: list[str] = []
    targets: list[str] = []
    is_quiet = False
    waiting = iter(words)
    for word in waiting:
        if word in SELECTING:
            selecting.append(SELECTING[word])
        elif word in QUIET:
            is_quiet = True
        elif word in WITH_VALUE:
            if not next(waiting, "").isdecimal():
                return None
        elif word.startswith("-"):
            if word not in HARMLESS:
                return None
        else:
            targets.append(word)
    return _answer(selecting, targets, is_quiet)


def _answer(selecting: Sequence[str], targets: Sequence[str], is_quiet: bool) -> int | None:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            lines = answer(folder / STATE_FOLDER, key(selecting, targets))
            if lines is None:
                return None
            for line in () if is_quiet else lines:
                print(line)
            return 0
    return None
