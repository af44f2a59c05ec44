"""`amelio exp …`: which of its words are amelio's; every other one is DVC's."""

from amelio.cli.commands import EXPERIMENTS

ALIASES = {"rm": "remove"}  # DVC's


def ours(words: list[str]) -> tuple[list[str], bool]:
    """The command line as amelio or DVC understands it, and whether it is amelio's.

    words: those after `exp`
    """
    first = words[0] if words else "--help"
    name = ALIASES.get(first, first)
    if name in EXPERIMENTS:
        return ["exp", name, *words[1:]], True
    return ["exp", *words], first in ("-h", "--help")
