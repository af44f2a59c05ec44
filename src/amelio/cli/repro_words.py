"""What the words after `repro` say; the usual ones are understood here, the others by typer."""

from collections.abc import Sequence
from typing import NamedTuple


class ReproWords(NamedTuple):
    """The options of `amelio repro`, named as `cli.repro.repro` names its parameters.

    No dataclass: that module takes 6 ms to import, which "nothing to do" need not wait for.
    """

    targets: tuple[str, ...] = ()
    jobs: int | None = None
    force: bool = False
    single_item: bool = False
    pipeline: bool = False
    all_pipelines: bool = False
    recursive: bool = False
    downstream: bool = False
    force_downstream: bool = False
    glob: bool = False
    dry: bool = False
    interactive: bool = False
    keep_going: bool = False
    ignore_errors: bool = False
    pull: bool = False
    allow_missing: bool = False
    no_run_cache: bool = False
    no_commit: bool = False
    no_wait: bool = False
    as_json: bool = False
    verbose: bool = False
    quiet: bool = False


FLAGS = {
    "--single-item": "single_item", "-s": "single_item", "--pipeline": "pipeline", "-p": "pipeline",
    "--all-pipelines": "all_pipelines", "-P": "all_pipelines",
    "--recursive": "recursive", "-R": "recursive", "--downstream": "downstream", "--glob": "glob",
    "--allow-missing": "allow_missing", "--keep-going": "keep_going", "-k": "keep_going",
    "--ignore-errors": "ignore_errors", "--no-run-cache": "no_run_cache",
    "--no-commit": "no_commit", "--no-wait": "no_wait", "--quiet": "quiet", "-q": "quiet",
}  # fmt: skip
WITH_NUMBER = {"--jobs": "jobs", "-j": "jobs"}


def plain_words(words: Sequence[str]) -> ReproWords | None:
    """The words after `repro`, as typer would understand them, which takes 0.1 s to import; None
    for words that it had better look at.
    """
    targets: list[str] = []
    said: dict[str, bool | int] = {}
    waiting = iter(words)
    for word in waiting:
        if word in FLAGS:
            said[FLAGS[word]] = True
        elif word in WITH_NUMBER:
            number = next(waiting, "")
            if not (number.isascii() and number.isdecimal() and int(number)):
                return None
            said[WITH_NUMBER[word]] = int(number)
        elif word.startswith("-"):
            return None
        else:
            targets.append(word)
    return ReproWords(tuple(targets), **said)  # type: ignore[arg-type]
