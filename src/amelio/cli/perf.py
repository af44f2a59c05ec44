"""`amelio perf`."""

import json
from typing import Annotated

import typer

from amelio.actions.perf import Part, PerfOptions, measure, save
from amelio.actions.rerun import RerunOptions, rerun
from amelio.cli.sections import markdown, show
from amelio.dvcio.workspace import open_workspace
from amelio.errors import InputError
from amelio.insight.perf import records
from amelio.insight.perf_report import sections


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
    ] = 0.0,
) -> None:
    """Say how long stages take, what the cache saves, what artefacts weigh, what is reproducible."""
    if as_json and as_md:
        raise InputError("give one of --json, --md")
    if n_rerun and part not in (None, Part.SCORE):
        raise InputError("--rerun belongs to the score", hint="amelio perf score --rerun N")
    workspace = open_workspace(is_quiet=True)
    further = ()
    if n_rerun:
        options = RerunOptions(n_rerun, tolerance)
        further = (rerun(workspace, options, lambda text: typer.echo(text, err=True)),)
    parts = frozenset([part] if part else Part)
    found = measure(workspace, PerfOptions(parts, remote, further=further))
    if is_saved:
        typer.echo(f"wrote {save(workspace.root, found)}", err=True)
    if as_json:
        typer.echo(json.dumps(records(found), indent=2, ensure_ascii=False, default=str))
    elif as_md:
        typer.echo(markdown("Pipeline performance", sections(found, is_brief=part is None)), nl=False)
    else:
        show(sections(found, is_brief=part is None))
