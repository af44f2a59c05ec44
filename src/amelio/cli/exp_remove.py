"""`amelio exp remove`: of names, and by a pattern or another choice of ours; all else is DVC's."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.experiments_remove import (
    find_in_queue,
    find_rubbish,
    forget,
    forget_without_result,
    remove_experiments,
)
from amelio.cli.exp_text import as_text
from amelio.cli.exp_view import shown_metric
from amelio.dvcio.experiments.refs import n_in_dvc_queue
from amelio.dvcio.project import dvc_root
from amelio.errors import AmelioError, InputError
from amelio.experiments.table import Column, Kind, Row, Table, only_changed
from amelio.experiments.tidy import Rubbish

FEW = 3  # metrics that are listed where none is the one that counts


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

    With plain names only, or with DVC's options (`-A`, `--rev`, `--queue`, `-g`), it does what
    DVC's command does, which does not ask.
    """
    count, metric = keep_top or (None, "")
    choice = Rubbish(tuple(names or ()), wanted, older_than, count, metric, keep)
    is_dvcs = not (choice.is_more_than_names or all_commits or rev or git_remote)
    if is_dvcs and (names or queue):
        _remove_named(choice.names, queue=queue)
        return
    if queue or git_remote:
        raise InputError(
            "patterns and filters are for experiments of this repository",
            hint="`amelio exp remove --queue` alone, or -g REMOTE with full names",
        )
    _require_choice(names, wanted, older_than, keep_top, all_commits, rev)
    revs = () if all_commits else tuple(rev or ())
    found = find_rubbish(Path(), choice, datetime.now(), revs, num)
    if not found.rows:
        typer.echo("No experiment is to be removed.")
        return
    _show(found.table, found.rows, metric)
    _ask(len(found.rows), yes=yes)
    remove_experiments(Path(), found)
    typer.echo(f"Removed {_counted(len(found.rows))}. `git gc` frees their commits, in time.")


def _remove_named(names: Sequence[str], *, queue: bool) -> None:
    """What DVC does with these words, and the same with amelio's queue; it is not asked."""
    found, rest = find_in_queue(Path(), names, waiting=queue)
    if rest or (queue and (not found or n_in_dvc_queue(Path()))):
        from amelio.dvcio.passthrough import act_as_dvc

        code = act_as_dvc(["exp", "remove", *(["--queue"] if queue else []), *rest])
        if code:
            raise typer.Exit(code)
        forget_without_result(Path(), rest)
    forget(Path(), [entry.id for entry in found])
    if found:
        listed = ", ".join(dict.fromkeys(repr(entry.name) for entry in found))
        typer.echo(f"Removed from amelio's queue: {listed}")


def _require_choice(*choices: object) -> None:
    if not any(choices):
        raise InputError(
            "which experiments? give names, a pattern, --filter, --older-than or --keep-top"
        )


def _show(table: Table, chosen: Sequence[Row], metric: str) -> None:
    gone = {id(row) for row in chosen}
    bases = {row.baseline for row in chosen}
    rows = tuple(
        row
        for row in table.rows
        if id(row) in gone or (not row.is_experiment and row.snapshot.commit in bases)
    )
    changed = only_changed(Table(table.columns, rows))
    shown = replace(changed, columns=_telling(changed.columns, metric))
    typer.echo(as_text(shown, 5, styled=sys.stdout.isatty()))


def _telling(columns: Sequence[Column], metric: str) -> tuple[Column, ...]:
    """Parameters, and the metric that was named, or of the first rule, or the first few."""
    rule = shown_metric(dvc_root(Path()) or Path())
    metrics = [column for column in columns if column.kind is Kind.METRICS]
    chosen = [c for c in metrics if metric and c.name.endswith(metric)]
    chosen = chosen or [c for c in metrics if f"{c.file}:{c.name}" == rule]
    return (*(chosen or metrics[:FEW]), *(c for c in columns if c.kind is Kind.PARAMS))


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
