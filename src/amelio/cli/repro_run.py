"""Does what `amelio repro` was told, and shows it."""

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from amelio.actions.repro import RUN_PATIENCE_S, ReproOptions, explain, repro
from amelio.cli.forecast_text import failure_lines, result_lines
from amelio.cli.repro_view import JsonView, PlainView, print_line, summary_lines
from amelio.cli.repro_words import ReproWords
from amelio.dvcio.git.history import not_staged
from amelio.dvcio.workspace import open_workspace
from amelio.engine.events import Event
from amelio.insight.wording import counted
from amelio.model import OnError, Outcome, Policy, Selection

MADE = (Outcome.RAN, Outcome.RESTORED, Outcome.PULLED)
FEW = 4


class View(Protocol):
    """Shows events."""

    def __call__(self, event: Event) -> None:
        """Show one."""

    def close(self) -> None:
        """The run is over."""


def run_repro(words: ReproWords, *, is_committed_later: bool = False) -> int:
    """Run what must run, or with `--dry` say what would. Returns the exit code.

    is_committed_later: nobody need be told what to commit
    """
    # quiet, as DVC would name only a part of what is to be committed
    workspace = open_workspace(is_quiet=True, is_dry=words.dry)
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
        _show_forecast(workspace, options, words)
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
        if not is_committed_later and not result.exit_code and result.run.with_outcome(*MADE):
            _tell_what_to_commit(workspace.root)
    return result.exit_code


def _tell_what_to_commit(root: Path) -> None:
    """What Git does not have yet, the user's own changes included."""
    names = [os.path.relpath(root / name) for name in not_staged(root)]
    if names:
        more = f" and {counted(len(names) - FEW, 'other')}" if len(names) > FEW else ""
        command = f"git add {shlex.quote(os.path.relpath(root))} && git commit"
        print_line(f"not in Git yet: {', '.join(names[:FEW])}{more}; `{command}`")


def _show_forecast(workspace: object, options: ReproOptions, words: ReproWords) -> None:
    result = explain(workspace, options)  # type: ignore[arg-type]
    if words.as_json:
        print_line(json.dumps(asdict(result), default=str))
        return
    for line in (failure_lines if words.quiet else result_lines)(result):
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
