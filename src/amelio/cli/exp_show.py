"""`amelio exp show`: DVC's table of experiments and its options, and more of them."""

import json
import shutil
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from amelio.actions.experiments import View, show_experiments
from amelio.cli.exp_terminal import as_terminal_text
from amelio.cli.exp_text import as_csv, as_markdown, as_text
from amelio.cli.exp_view import shown_metric
from amelio.cli.pager import page
from amelio.dvcio.experiments.states import Scope
from amelio.dvcio.project import dvc_root
from amelio.errors import InputError
from amelio.experiments.record import records

OUR_OPTIONS = "Chosen by amelio"


def show(
    rev: Annotated[
        list[str] | None, typer.Option("--rev", help="Experiments that start from this commit.")
    ] = None,
    num: Annotated[
        int, typer.Option("--num", "-n", help="So many commits back from --rev; -1: all.")
    ] = 1,
    all_commits: Annotated[bool, typer.Option("--all-commits", "-A", help="All of them.")] = False,
    all_branches: Annotated[
        bool, typer.Option("--all-branches", "-a", help="From the tips of all branches.")
    ] = False,
    all_tags: Annotated[bool, typer.Option("--all-tags", "-T", help="From all tags.")] = False,
    wanted: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="EXPRESSION",
            help="Only experiments for which it is true: "
            "'metrics.scores.accuracy > 0.9 and params.train.epochs == 10'.",
            rich_help_panel=OUR_OPTIONS,
        ),
    ] = "",
    best: Annotated[
        str,
        typer.Option(
            metavar="METRIC",
            help="The best experiment by this metric; with --top, the best N.",
            rich_help_panel=OUR_OPTIONS,
        ),
    ] = "",
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="The first N by --best or --sort-by.", rich_help_panel=OUR_OPTIONS
        ),
    ] = None,
    sort_by: Annotated[str, typer.Option(metavar="NAME", help="A metric or parameter.")] = "",
    sort_order: Annotated[str, typer.Option(metavar="asc|desc")] = "asc",
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Only columns whose values differ.")
    ] = False,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="REGEX", help="Leave these columns out.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="REGEX", help="Show these columns, whatever is left out."),
    ] = None,
    param_deps: Annotated[
        bool, typer.Option("--param-deps", help="Only parameters that stages depend on.")
    ] = False,
    sha: Annotated[bool, typer.Option("--sha", help="Commits instead of branch names.")] = False,
    hide_failed: Annotated[bool, typer.Option("--hide-failed")] = False,
    hide_queued: Annotated[bool, typer.Option("--hide-queued")] = False,
    hide_workspace: Annotated[bool, typer.Option("--hide-workspace")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print DVC's JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    precision: Annotated[int | None, typer.Option(help="Digits of numbers; 5 if left out.")] = None,
    no_pager: Annotated[bool, typer.Option("--no-pager")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Read all of it again.")] = False,
) -> None:
    """Compare experiments in a table."""
    if as_json + csv + md > 1:
        raise InputError("give one of --json, --csv, --md")
    if sort_order not in ("asc", "desc"):
        raise InputError(f"--sort-order is asc or desc, not '{sort_order}'")
    scope = Scope(
        revs=tuple(rev or ()), num=num, all_commits=all_commits, all_branches=all_branches,
        all_tags=all_tags, hide_queued=hide_queued, hide_failed=hide_failed,
        hide_workspace=hide_workspace, sha_only=sha, only_deps=param_deps, is_fresh=force,
    )  # fmt: skip
    is_terminal = sys.stdout.isatty() and not (as_json or csv or md)
    metric = shown_metric(dvc_root(Path()) or Path()) if is_terminal else None
    view = View(
        only_changed, tuple(keep or ()), tuple(drop or ()), wanted,
        sort_by, sort_order == "desc", best, top, metric or "",
    )  # fmt: skip
    shown = show_experiments(Path(), scope, view)
    table = shown.table
    if not shown.states:
        typer.echo("No commit yet, so no experiments.", err=True)
    if shown.trouble:
        told = "what waits, runs or failed in amelio's queue is not shown"
        typer.echo(f"{told}: {shown.trouble}", err=True)
    if as_json:
        typer.echo(json.dumps(records(shown.states, table), default=_plain))
    elif csv:
        typer.echo(as_csv(table, precision), nl=False)
    elif md:
        typer.echo(as_markdown(table, precision or 5), nl=False)
    elif is_terminal:
        width = shutil.get_terminal_size().columns
        text = as_terminal_text(table, precision or 5, width, shown.first)
        typer.echo(text) if no_pager else page(text)
    else:
        typer.echo(as_text(table, precision or 5, styled=False))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
