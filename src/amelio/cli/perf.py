"""`amelio perf`."""

from typing import Annotated

import typer

from amelio.actions.perf import Part, PerfOptions, measure, save
from amelio.actions.rerun import RerunOptions, rerun
from amelio.cli.sections import as_json as json_text
from amelio.cli.sections import markdown, show
from amelio.dvcio.workspace import open_workspace
from amelio.errors import InputError
from amelio.insight.perf import records
from amelio.insight.perf_report import sections
from amelio.insight.reproducibility import Check


def perf(
    part: Annotated[
        Part | None, typer.Argument(help="Only one part, in full. [default: all, in brief]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    is_saved: Annotated[
        bool, typer.Option("--save", help="Also write metrics/pipeline.json.")
    ] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Also ask the default remote over the network.")
    ] = False,
    n_rerun: Annotated[
        int,
        typer.Option(
            "--rerun",
            metavar="N",
            min=0,
            help="Run the N quickest stages again in a clean worktree, and compare.",
        ),
    ] = 0,
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, help="With --rerun: relative difference of metrics that is none."),
    ] = 0.01,
) -> None:
    """Say what stages take, what the cache saves, what files weigh, and what is reproducible."""
    if as_json and as_md:
        raise InputError("give one of --json, --md")
    if n_rerun and part not in (None, Part.SCORE):
        raise InputError("--rerun belongs to the score", hint="amelio perf score --rerun N")
    workspace = open_workspace(is_quiet=True)
    further: tuple[Check, ...] = ()
    if n_rerun:
        options = RerunOptions(n_rerun, tolerance)
        further = (rerun(workspace, options, lambda text: typer.echo(text, err=True)),)
    parts = frozenset([part] if part else Part)
    found = measure(workspace, PerfOptions(parts, remote, further=further))
    if is_saved:
        typer.echo(f"wrote {save(workspace.root, found)}", err=True)
    if as_json:
        typer.echo(json_text(records(found)))
    elif as_md:
        page = markdown("Pipeline performance", sections(found, is_brief=part is None))
        typer.echo(page, nl=False)
    else:
        show(sections(found, is_brief=part is None))
