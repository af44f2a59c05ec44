"""`amelio params`."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from amelio.cli.metrics import shown
from amelio.dvcio.figures.params import ShownParams, show_params
from amelio.dvcio.git.named_revisions import require_revisions
from amelio.errors import InputError, all_of
from amelio.redaction import printable
from amelio.vision.evaluation.markdown import markdown_table


def params(words: list[str]) -> int:
    """DVC's, and `params show`, which DVC has not."""
    if words[1:2] == ["show"]:
        return _show(_reader().parse_args(words[2:]))
    return shown(words)


def _reader() -> ArgumentParser:
    reader = ArgumentParser(
        prog="amelio params show", description="Show the parameters of the workspace or revisions."
    )
    reader.add_argument("revisions", nargs="*", metavar="REV", help="commits, branches or tags")
    reader.add_argument("--targets", nargs="*", metavar="PATH", help="only these files")
    reader.add_argument("--deps", action="store_true", help="only those that stages depend on")
    reader.add_argument("-a", "--all-branches", action="store_true")
    reader.add_argument("-T", "--all-tags", action="store_true")
    reader.add_argument("-A", "--all-commits", action="store_true")
    form = reader.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON, as `metrics show --json`")
    form.add_argument("--md", "--show-md", action="store_true", help="a Markdown table")
    reader.add_argument("--no-path", action="store_true", help="leave out the file's path")
    return reader


def _show(arguments: Namespace) -> int:
    require_revisions(arguments.revisions, Path())
    found = show_params(
        arguments.revisions,
        targets=arguments.targets or (),
        deps_only=arguments.deps,
        all_branches=arguments.all_branches,
        all_tags=arguments.all_tags,
        all_commits=arguments.all_commits,
    )
    if arguments.json:
        print(json.dumps(found.records(), indent=2, ensure_ascii=False, default=str))
    else:
        _print_table(found, as_markdown=arguments.md, with_path=not arguments.no_path)
    if found.problems:
        raise InputError(all_of(list(found.problems)))
    return 0


def _print_table(found: ShownParams, *, as_markdown: bool, with_path: bool) -> None:
    start = 0 if with_path else 1
    rows = [row[start:] for row in found.rows]
    header = ("Path", "Param", *found.columns)[start:]
    if as_markdown:
        print(printable(markdown_table(header, rows)), end="")
    elif rows:
        from tabulate import tabulate

        print(printable(tabulate(rows, header, tablefmt="plain", disable_numparse=True)))
