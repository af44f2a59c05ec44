"""`amelio repro`."""

from typing import Annotated

import typer

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
from amelio.cli.repro_run import run_repro
from amelio.cli.repro_words import ReproWords


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
    code = run_repro(
        ReproWords(
            tuple(targets or ()), jobs, force, single_item, pipeline, all_pipelines, recursive,
            downstream, force_downstream, glob, dry, interactive, keep_going, ignore_errors, pull,
            allow_missing, no_run_cache, no_commit, no_wait, as_json, verbose, quiet,
        )
    )  # fmt: skip
    if code:
        raise typer.Exit(code)
