"""`amelio exp run`."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amelio.cli.exp_values import told_if_left
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
from amelio.cli.repro_run import on_error_of, view_of
from amelio.cli.repro_view import print_line
from amelio.engine.settings import load_project
from amelio.errors import InputError
from amelio.experiments.entry import Experiment, Status
from amelio.experiments.home import Home, find_home
from amelio.model import Policy, Selection

if TYPE_CHECKING:
    from amelio.actions.experiment_crew import CrewProcess
    from amelio.actions.experiment_queue import Wanted

POLL_S = 0.1


def run(
    targets: Annotated[list[str] | None, typer.Argument(help="As of `amelio repro`.")] = None,
    set_param: Annotated[
        list[str] | None,
        typer.Option(
            "--set-param",
            "-S",
            help="[FILE:]NAME=VALUE; also VALUE,VALUE and range(…): every combination.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", help="The experiment's name.")] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Only queue; run with --run-all.")] = False,
    run_all: Annotated[bool, typer.Option("--run-all", help="Run all that is queued.")] = False,
    temp: Annotated[bool, typer.Option("--temp", help="In a worktree, not in here.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", help="Stages at a time, of all experiments; else core.jobs."),
    ] = None,
    random: Annotated[
        int | None, typer.Option("--random", help="Only so many of the combinations.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of --random's choice.")] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on in the background; see `exp status`.")
    ] = False,
    copy_paths: Annotated[
        list[str] | None,
        typer.Option("--copy-paths", "-C", help="Ignored or untracked paths to take along."),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Of the experiment's commit.")
    ] = None,
    no_hydra: Annotated[
        bool, typer.Option("--no-hydra", help="Do not compose params.yaml with Hydra.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Run all stages; replace one of that name.")
    ] = False,
    single_item: SingleItem = False,
    pipeline: Pipeline = False,
    all_pipelines: AllPipelines = False,
    recursive: Recursive = False,
    downstream: Downstream = False,
    force_downstream: ForceDownstream = False,
    glob: Glob = False,
    dry: Annotated[
        bool, typer.Option("--dry", "-d", help="Say what would run, and why; run nothing.")
    ] = False,
    interactive: Interactive = False,
    keep_going: KeepGoing = False,
    ignore_errors: IgnoreErrors = False,
    pull: Pull = False,
    allow_missing: AllowMissing = False,
    no_run_cache: NoRunCache = False,
    no_commit: NoCommit = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print lines of JSON.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Run an experiment here, or many in worktrees of their own: in parallel, from a queue."""
    from amelio.actions.experiment_queue import Wanted

    home = find_home_here()
    wanted = Wanted(
        values=tuple(set_param or ()),
        name=name,
        n_random=random,
        seed=seed,
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
        message=message,
        copies=tuple(copy_paths or ()),
        no_hydra=no_hydra,
    )
    n_jobs = jobs if jobs is not None else load_project(home.root).jobs
    if n_jobs < 1:
        raise InputError(f"--jobs: expected at least 1, got {n_jobs}")
    if dry:
        _foresee(home, wanted, n_jobs)
        return
    is_isolated = queue or run_all or temp or detach or jobs is not None or _has_grid(wanted)
    if interactive and is_isolated:
        raise InputError("--interactive: experiments in worktrees cannot ask")
    if not is_isolated:
        with told_if_left(wanted.values):
            _run_here(home, wanted, interactive, as_json, verbose, quiet)
        return
    batch = None
    if wanted.values or wanted.name or wanted.selection.targets or not run_all:
        batch = _queue(home, wanted, is_told=not quiet, is_only_queued=queue and not run_all)
        if queue and not run_all:
            return
    _run_queue(home, n_jobs, None if run_all else batch, detach, quiet)


def find_home_here() -> Home:
    """The repository around the working directory. Raises InputError."""
    return find_home(Path.cwd())


def _foresee(home: Home, wanted: "Wanted", jobs: int) -> None:
    from amelio.actions.experiment_queue import foresee
    from amelio.cli.forecast_text import result_lines

    found = foresee(home, wanted, jobs)
    for outlook in found:
        if len(found) > 1:
            print_line(f"{outlook.values}:")
        for line in result_lines(outlook.forecast):
            print_line(line)


def _has_grid(wanted: "Wanted") -> bool:
    """Whether the values mean several experiments; without DVC as long as they surely do not."""
    if not any(sign in value for value in wanted.values for sign in ",("):
        return False
    from amelio.dvcio.experiments.overrides import combinations

    return len(combinations(wanted.values)) > 1


def _queue(home: Home, wanted: "Wanted", *, is_told: bool, is_only_queued: bool) -> str:
    from amelio.actions.experiment_queue import queue_experiments

    queued = queue_experiments(home, wanted)
    if not is_told:
        return queued.batch
    if queued.copies:
        print_line(f"copied, as Git does not have them: {', '.join(queued.copies)}")
    if is_only_queued:
        for order in queued.orders:
            print_line(f"queued {order.name}" + (f": {order.values}" if order.values else ""))
        print_line("run all that waits: amelio exp run --run-all --jobs N")
    return queued.batch


def _run_here(
    home: Home, wanted: "Wanted", interactive: bool, as_json: bool, verbose: bool, quiet: bool
) -> None:
    from amelio.actions.experiment_here import run_here
    from amelio.cli.repro_view import summary_lines

    view = view_of(as_json, verbose, quiet)
    ask = (lambda stage: typer.confirm(f"Run {stage}?")) if interactive else None
    try:
        result = run_here(home, wanted, None, view, ask)
    finally:
        view.close()
    if result.run.exit_code:
        for line in summary_lines(result.run):
            print_line(line)
        raise typer.Exit(result.run.exit_code)
    if not quiet and not as_json:
        print_line(f"experiment {result.name}: its results are in your workspace")
        print_line("  `amelio metrics diff` compares them with the last commit")


def _run_queue(home: Home, jobs: int, batch: str | None, is_detached: bool, quiet: bool) -> None:
    from amelio.actions import experiment_crew
    from amelio.cli.exp_view import end_lines, open_view
    from amelio.experiments.queue import Queue

    queue = Queue(home.queue)
    began = time.time()
    known = {found.id for found in queue.live() if batch in (None, found.batch)}
    queue.close()
    if not known:
        print_line("no experiment waits; queue some with `amelio exp run --queue -S NAME=VALUE`")
        _tell_of_dvcs_queue(home)
        return
    crew = experiment_crew.start(home, jobs, batch, is_detached=is_detached)
    if is_detached:
        crew.wait_until_ready()
        if not crew.is_at_work():
            experiment_crew.require_success(crew)
        print_line(f"{len(known)} experiments run in the background: `amelio exp status`")
        return

    def wanted(found: Experiment) -> bool:
        return found.id in known or (batch is None and (found.started or 0) >= began)

    queue = Queue(home.queue)
    view = open_view(home, quiet)
    try:
        _watch(crew, lambda: view.show([e for e in queue.all(min(known)) if wanted(e)]))
    finally:
        view.close()
    ended = [found for found in queue.all(min(known)) if wanted(found)]
    experiment_crew.require_success(crew)
    if not quiet:
        for line in end_lines(ended, names_failures=sys.stdout.isatty()):
            print_line(line)
        if batch is None:
            _tell_of_dvcs_queue(home)
    if crew.code and crew.code > 128:
        raise typer.Exit(crew.code)
    if any(found.status is Status.FAILED for found in ended):
        raise typer.Exit(1)


def _watch(crew: "CrewProcess", show: Callable[[], None]) -> None:
    """Until the crew has ended; Ctrl-C is for the crew."""
    signals = (signal.SIGINT, signal.SIGTERM)
    old = {number: signal.signal(number, lambda n, _: crew.tell(n)) for number in signals}
    try:
        while crew.is_at_work():
            show()
            time.sleep(POLL_S)
        show()
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _tell_of_dvcs_queue(home: Home) -> None:
    from amelio.dvcio.experiments.refs import n_in_dvc_queue

    n_theirs = n_in_dvc_queue(home.top)
    if n_theirs:
        print_line(f"DVC's own queue holds {n_theirs}: `dvc queue start -j N` runs them")
