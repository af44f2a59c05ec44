"""`amelio repro`."""

import json
import sys
from dataclasses import asdict
from typing import Annotated, Protocol

import typer

from amelio.actions.repro import RUN_PATIENCE_S, ReproOptions, explain
from amelio.actions.repro import repro as run_stages
from amelio.cli.forecast_text import result_lines
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
    single_item: Annotated[
        bool, typer.Option("--single-item", "-s", help="Only the targets, not what they need.")
    ] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", "-p", help="The whole pipelines of the targets.")
    ] = False,
    all_pipelines: Annotated[
        bool, typer.Option("--all-pipelines", "-P", help="All pipelines of the repository.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="All stages in the given folders.")
    ] = False,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="The targets and what needs them.")
    ] = False,
    force_downstream: Annotated[
        bool, typer.Option("--force-downstream", help="Run all that needs a stage that ran.")
    ] = False,
    glob: Annotated[bool, typer.Option("--glob", help="Targets may have wildcards.")] = False,
    dry: Annotated[
        bool, typer.Option("--dry", "-d", help="Say what would run, why and how long; run nothing.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask before each stage.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", "-k", help="After a failure, run what does not need it.")
    ] = False,
    ignore_errors: Annotated[
        bool, typer.Option("--ignore-errors", help="Go on as if nothing failed.")
    ] = False,
    pull: Annotated[
        bool, typer.Option("--pull", help="Fetch missing data from the remote.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Missing data alone is no reason to run.")
    ] = False,
    no_run_cache: Annotated[
        bool, typer.Option("--no-run-cache", help="Run what the run cache could restore.")
    ] = False,
    no_commit: Annotated[
        bool, typer.Option("--no-commit", help="Do not store outputs in the cache.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Give up at once when another amelio run is at work.")
    ] = False,
    no_fast: Annotated[
        bool,
        typer.Option("--no-fast", help="Check everything, even if nothing seems to have changed."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as lines of JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the stages' output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
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
