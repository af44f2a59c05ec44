"""`amelio exp …`: which of its words are amelio's; every other one is DVC's."""

from collections.abc import Sequence
from itertools import pairwise

from amelio.cli.commands import EXPERIMENTS
from amelio.errors import InputError

ALIASES = {"rm": "remove"}  # DVC's
_CHOOSING = {"--filter", "--older-than", "--keep-top", "--yes", "-y", "--help", "-h"}


def ours(words: list[str]) -> tuple[list[str], bool]:
    """The command line as amelio or DVC understands it, and whether it is amelio's.

    words: those after `exp`

    Raises InputError for a name where `exp remove` takes a number.
    """
    first = words[0] if words else "--help"
    name = ALIASES.get(first, first)
    if name == "remove":
        _require_number(words[1:])
    if name in EXPERIMENTS and not (name == "remove" and _removes_as_dvc(words[1:])):
        return ["exp", name, *words[1:]], True
    return ["exp", *words], first in ("-h", "--help")


def _removes_as_dvc(words: Sequence[str]) -> bool:
    """Whether `exp remove …` can only be about what DVC knows.

    Names without a pattern and `--queue` may be about amelio's queue as well.
    """
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    names = [word for word in words if not word.startswith("-")]
    if options & _CHOOSING or any(set("*?[") & set(name) for name in names):
        return False
    return bool(options - {"--queue"}) or not words


def _require_number(words: Sequence[str]) -> None:
    """`-n` is the name in `exp run`, but not here."""
    for option, value in pairwise(words):
        if option in ("-n", "--num") and not value.lstrip("-").isdecimal():
            raise InputError(
                f"{option} is a number of commits, not '{value}'",
                hint="names have no option here: `amelio exp remove NAME`, "
                "`amelio exp remove --keep NAME`",
            )
