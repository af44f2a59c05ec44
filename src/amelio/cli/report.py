"""`amelio report`."""

from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.report import ReportResult, write_comment, write_report
from amelio.dvcio.project import project_root
from amelio.insight.wording import size
from amelio.redaction import one_line


def report(
    rev: Annotated[
        str | None,
        typer.Option(
            help="Compare with this commit, branch, tag or experiment; else with where the branch "
            "left the main one, or the last commit."
        ),
    ] = None,
    pr: Annotated[
        bool, typer.Option("--pr", help="Print Markdown for a comment on a pull request.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The folder; `reports` by default. With --pr, the file."),
    ] = None,
) -> None:
    """Write reports/report.html and the Markdown reports: what there is, and what changed."""
    root = project_root(Path())
    if pr:
        text, done = write_comment(root, output, rev)
        if output is None:
            typer.echo(text, nl=False)
        _tell(done)
    else:
        done = write_report(root, output, rev)
        _tell(done)
        for path in done.paths:
            typer.echo(f"{_shown(path)}  {size(path.stat().st_size)}")
    done.require()


def _tell(done: ReportResult) -> None:
    for notice in done.notices:
        typer.echo(f"note: {one_line(notice, 400)}", err=True)


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
