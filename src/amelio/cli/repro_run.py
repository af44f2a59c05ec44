"""Does what `amelio repro` was told, and shows it."""

import json
import sys
from dataclasses import asdict
from typing import Protocol

from amelio.actions.repro import RUN_PATIENCE_S, ReproOptions, explain, repro
from amelio.cli.forecast_text import result_lines
from amelio.cli.repro_view import JsonView, PlainView, print_line, summary_lines
from amelio.cli.repro_words import ReproWords
from amelio.dvcio.workspace import open_workspace
from amelio.engine.events import Event
from amelio.model import OnError, Policy, Selection


class View(Protocol):
    """Shows events."""

    def __call__(self, event: Event) -> None:
        """Show one."""

    def close(self) -> None:
        """The run is over."""


def run_repro(words: ReproWords) -> int:
    """Run what must run, or with `--dry` say what would. Returns the exit code."""
    workspace = open_workspace(is_quiet=words.as_json or words.quiet, is_dry=words.dry)
    options = ReproOptions(
        selection=Selection(
            words.targets,
            words.recursive,
            words.pipeline,
            words.all_pipelines,
            words.downstream,
            words.single_item,
            words.glob,
        ),
        policy=Policy(
            force=words.force,
            force_downstream=words.force_downstream,
            on_error=on_error_of(words.keep_going, words.ignore_errors),
            pull=words.pull,
            allow_missing=words.allow_missing,
            run_cache=not words.no_run_cache,
            no_commit=words.no_commit,
        ),
        jobs=words.jobs,
        confirm=_ask if words.interactive or workspace.asks_before_stages else None,
        patience_s=0 if words.no_wait else RUN_PATIENCE_S,
    )
    if words.dry:
        _show_forecast(workspace, options, words.as_json)
        return 0
    view = view_of(words.as_json, words.verbose, words.quiet, is_asking=bool(options.confirm))
    try:
        result = repro(workspace, options, view)
    finally:
        view.close()
    if words.as_json:
        print_line(json.dumps({"kind": "run", **asdict(result.run)}, default=str))
    elif not words.quiet or result.exit_code:
        for line in summary_lines(result):
            print_line(line)
    return result.exit_code


def _show_forecast(workspace: object, options: ReproOptions, as_json: bool) -> None:
    result = explain(workspace, options)  # type: ignore[arg-type]
    if as_json:
        print_line(json.dumps(asdict(result), default=str))
        return
    for line in result_lines(result):
        print_line(line)


def view_of(as_json: bool, verbose: bool, quiet: bool, *, is_asking: bool = False) -> View:
    """What shows a run as it goes on; a live table would write over a question."""
    if as_json:
        return JsonView(print_line)
    if quiet:
        return PlainView(False, _nothing)
    if sys.stdout.isatty() and not verbose and not is_asking:
        from amelio.cli.live import LiveView

        return LiveView()
    return PlainView(verbose, print_line)


def _nothing(line: str) -> None:
    """Shows nothing."""


def _ask(stage: str) -> bool:
    import typer

    try:
        return typer.confirm(f"Run {stage}?")
    except typer.Abort:  # nobody is there to answer
        return False


def on_error_of(keep_going: bool, ignore_errors: bool) -> OnError:
    """From the two options."""
    if ignore_errors:
        return OnError.IGNORE
    return OnError.KEEP_GOING if keep_going else OnError.FAIL
