"""`amelio gc`."""

import sys
from collections.abc import Iterable
from itertools import groupby

from rich.table import Table
from rich.text import Text

from amelio.cli.tables import table_console
from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.cache.garbage import Unused, has_scope, unused_objects
from amelio.dvcio.passthrough import act_as_dvc
from amelio.errors import AmelioError
from amelio.insight.wording import size
from amelio.redaction import one_line

UNKNOWN = "(of no commit)"
MAX_REVISIONS = 4


def gc(words: list[str]) -> int:
    """DVC's; without `-f` it first lists what it would free, then asks."""
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    if arguments.dry or arguments.force or not has_scope(arguments):
        return act_as_dvc(words)
    found = unused_objects(arguments)
    if not found:
        print("nothing to free: all that is stored is in use")
        return 0
    _list(found)
    if not sys.stdin.isatty():
        raise AmelioError(
            "nothing was freed: there is no terminal to ask at",
            hint=f"amelio {' '.join([*words, '-f'])} frees it without asking",
        )
    print(f"Free {_summary(found)}? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing was freed")
        return 1
    return act_as_dvc([*words, "-f"])


def _list(found: Iterable[Unused]) -> None:
    table = Table(title="Would be freed", title_justify="left")
    table.add_column("where", overflow="fold")
    table.add_column("of", overflow="fold")
    table.add_column("files", justify="right")
    table.add_column("size", justify="right")
    table.add_column("made by", overflow="fold")
    for (place, path), group in groupby(sorted(found, key=_group), key=_group):
        members = list(group)
        sizes = [each.size_bytes for each in members if each.size_bytes is not None]
        table.add_row(
            Text(one_line(place)),
            Text(one_line(path)),
            str(len(members)),
            size(sum(sizes)) if sizes else "",
            Text(one_line(_revisions(members))),
        )
    table_console().print(table)


def _group(each: Unused) -> tuple[str, str]:
    return each.place, each.made_by.path if each.made_by else UNKNOWN


def _revisions(members: Iterable[Unused]) -> str:
    names = list(
        dict.fromkeys(name for each in members if each.made_by for name in each.made_by.revisions)
    )
    rest = len(names) - MAX_REVISIONS
    return ", ".join(names[:MAX_REVISIONS]) + (f" and {rest} more" if rest > 0 else "")


def _summary(found: Iterable[Unused]) -> str:
    parts = []
    for place, group in groupby(sorted(found, key=_group), key=lambda each: each.place):
        members = list(group)
        total = size(sum(each.size_bytes or 0 for each in members))
        parts.append(f"{len(members)} files ({total}) in {place}")
    return " and ".join(parts)
