"""`amelio exp remove` with a pattern or another choice of ours; all else of it is DVC's."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.experiments_remove import find_rubbish, remove_experiments
from amelio.cli.exp_text import as_text
from amelio.dvcio.experiment_states import ExperimentRef
from amelio.errors import AmelioError, InputError
from amelio.experiments.table import Table, only_changed
from amelio.experiments.tidy import Rubbish


def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|PATTERN…", help="Such as 'exp-old-*'."),
    ] = None,
    wanted: Annotated[
        str, typer.Option("--filter", metavar="EXPRESSION", help="As of `exp show`.")
    ] = "",
    older_than: Annotated[str, typer.Option(metavar="AGE", help="30d, 12h or 4w.")] = "",
    keep_top: Annotated[
        tuple[int, str] | None,
        typer.Option(metavar="N METRIC", help="The best N by this metric stay."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep these, remove the others.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    all_commits: Annotated[bool, typer.Option("--all-commits", "-A", hidden=True)] = False,
    rev: Annotated[list[str] | None, typer.Option("--rev", help="Only of this commit.")] = None,
    num: Annotated[int, typer.Option("--num", "-n", help="So many commits back of --rev.")] = 1,
    queue: Annotated[bool, typer.Option("--queue", hidden=True)] = False,
    git_remote: Annotated[str, typer.Option("--git-remote", "-g", hidden=True)] = "",
) -> None:
    """Remove experiments: they are listed, and you are asked.

    With plain names only, or with DVC's options (`-A`, `--rev`, `--queue`, `-g`), it is DVC's
    command, which does not ask.
    """
    if queue or git_remote:
        raise InputError(
            "patterns and filters are for finished experiments of this repository",
            hint="`amelio exp remove --queue`, or -g REMOTE with full names",
        )
    _require_choice(names, wanted, older_than, keep_top, all_commits, rev)
    count, metric = keep_top or (None, "")
    choice = Rubbish(tuple(names or ()), wanted, older_than, count, metric, keep)
    revs = () if all_commits else tuple(rev or ())
    table, found = find_rubbish(Path(), choice, datetime.now(), revs, num)
    if not found:
        typer.echo("No experiment is to be removed.")
        return
    _show(table, [ref for _, ref in found])
    _ask(len(found), yes=yes)
    remove_experiments(Path(), [ref for _, ref in found])
    typer.echo(f"Removed {_counted(len(found))}. `git gc` frees their commits, in time.")


def _require_choice(*choices: object) -> None:
    if not any(choices):
        raise InputError(
            "which experiments? give names, a pattern, --filter, --older-than or --keep-top"
        )


def _show(table: Table, refs: list[ExperimentRef]) -> None:
    gone = {(ref.baseline, ref.name) for ref in refs}
    bases = {ref.baseline for ref in refs}
    rows = tuple(
        row
        for row in table.rows
        if (row.baseline, row.label) in gone or row.snapshot.commit in bases
    )
    shown = only_changed(Table(table.columns, rows))
    typer.echo(as_text(shown, 5, styled=sys.stdout.isatty()))


def _ask(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise AmelioError(
            "nothing was removed: there is no terminal to ask at", hint="-y removes without asking"
        )
    if not typer.confirm(f"Remove {_counted(count)}?"):
        typer.echo("Nothing was removed.")
        raise typer.Exit(1)


def _counted(count: int) -> str:
    return "1 experiment" if count == 1 else f"{count} experiments"
