"""`amelio repro` when there is nothing to do: answered before typer or DVC are imported."""

from pathlib import Path

from amelio.cli.repro_words import ReproWords
from amelio.engine.instant import STATE_FOLDER, answer, key

SELECTING = {
    "single_item": "s", "pipeline": "p", "all_pipelines": "P", "recursive": "R",
    "downstream": "downstream", "glob": "glob", "allow_missing": "allow-missing",
}  # fmt: skip


def instant(words: ReproWords) -> int | None:
    """Say that nothing is to be done, and return 0; None when that takes a proper look."""
    selecting = [letter for name, letter in SELECTING.items() if getattr(words, name)]
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            lines = answer(folder / STATE_FOLDER, key(selecting, words.targets))
            if lines is None:
                return None
            for line in () if words.quiet else lines:
                print(line)
            return 0
    return None
