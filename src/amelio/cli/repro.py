"""`amelio repro`."""

import json
import sys
from dataclasses import asdict
from typing import Annotated, Protocol

import typer

from amelio.actions.repro import RUN_PATIENCE_S, ReproOptions, explain
from amelio.actions.repro import repro as run_stages
from amelio.cli.forecast_text import result_lines
from amelio.cli.repro_options import (
    AllowMissing,
    AllPipelines,
    Downstream,
    ForceDownstream,
    Glob,
    IgnoreErrors,
    Interactive,
    KeepGoing,
    NoCommit,
    NoRunCache,
    Pipeline,
    Pull,
    Quiet,
    Recursive,
    SingleItem,
    Verbose,
)
from amelio.cli.repro_view import JsonView, PlainView, print_line, summary_lines
from amelio.dvcio.workspace import open_workspace
from amelio.engine.events import Event
from amelio.model import OnError, Policy, Selection


class View(Protocol):
    """Shows events."""

    def __call__(self, event: Event) -> None:
        """Show one."""

    def close(self) -> None:
        """The run is over."""


def repro(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Stages, .dvc or dvc.yaml files; 'dvc.yaml' by default."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Stages at a time; else core.jobs, else 1.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Run even what is up to date.")
    ] = False,
    single_item: SingleItem = False,
    pipeline: Pipeline = False,
    all_pipelines: AllPipelines = False,
    recursive: Recursive = False,
    downstream: Downstream = False,
    force_downstream: ForceDownstream = False,
    glob: Glob = False,
    dry: Annotated[
        bool, typer.Option("--dry", "-d", help="Say what would run, why and how long; run nothing.")
    ] = False,
    interactive: Interactive = False,
    keep_going: KeepGoing = False,
    ignore_errors: IgnoreErrors = False,
    pull: Pull = False,
    allow_missing: AllowMissing = False,
    no_run_cache: NoRunCache = False,
    no_commit: NoCommit = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Give up at once when another amelio run is at work.")
    ] = False,
    no_fast: Annotated[
        bool,
        typer.Option("--no-fast", help="Check everything, even if nothing seems to have changed."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as lines of JSON.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Run what must run, in parallel; everything DVC's own `repro` can, and explained."""
    del no_fast  # looked at before anything of this was imported
    workspace = open_workspace(is_quiet=as_json or quiet)
    options = ReproOptions(
        selection=Selection(
            tuple(targets or ()), recursive, pipeline, all_pipelines, downstream, single_item, glob
        ),
        policy=Policy(
            force=force,
            force_downstream=force_downstream,
            on_error=on_error_of(keep_going, ignore_errors),
            pull=pull,
            allow_missing=allow_missing,
            run_cache=not no_run_cache,
            no_commit=no_commit,
        ),
        jobs=jobs,
        confirm=_ask if interactive or workspace.asks_before_stages else None,
        patience_s=0 if no_wait else RUN_PATIENCE_S,
    )
    if dry:
        _show_forecast(workspace, options, as_json)
        return
    view = view_of(as_json, verbose, quiet)
    try:
        result = run_stages(workspace, options, view)
    finally:
        view.close()
    if as_json:
        print_line(json.dumps(asdict(result.run), default=str))
    elif not quiet or result.exit_code:
        for line in summary_lines(result):
            print_line(line)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _show_forecast(workspace: object, options: ReproOptions, as_json: bool) -> None:
    result = explain(workspace, options)  # type: ignore[arg-type]
    if as_json:
        print_line(json.dumps(asdict(result), default=str))
        return
    for line in result_lines(result):
        print_line(line)


def view_of(as_json: bool, verbose: bool, quiet: bool) -> View:
    """What shows a run as it goes on."""
    if as_json:
        return JsonView(print_line)
    if quiet:
        return PlainView(False, _nothing)
    if sys.stdout.isatty() and not verbose:
        from amelio.cli.live import LiveView

        return LiveView()
    return PlainView(verbose, print_line)


def _nothing(line: str) -> None:
    """Shows nothing."""


def _ask(stage: str) -> bool:
    return typer.confirm(f"Run {stage}?")


def on_error_of(keep_going: bool, ignore_errors: bool) -> OnError:
    """From the two options."""
    if ignore_errors:
        return OnError.IGNORE
    return OnError.KEEP_GOING if keep_going else OnError.FAIL
