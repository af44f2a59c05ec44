"""`amelio exp stop` and `amelio exp retry`."""

import difflib
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from amelio.cli.exp_run import find_home_here
from amelio.cli.repro_view import print_line
from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments.entry import Experiment, Status
from amelio.experiments.home import put_in_order
from amelio.experiments.queue import Queue

PATIENCE_S = 30.0
POLL_S = 0.1


def stop(
    names: Annotated[list[str] | None, typer.Argument(help="Experiments that wait or run.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait or run.")] = False,
) -> None:
    """Stop experiments: those that run are ended, those that wait leave the queue."""
    queue = _open_queue()
    live = queue.live()
    chosen = live if everything else pick(names or [], live, "waits or runs")
    queue.stop([found.id for found in chosen])
    ids = [found.id for found in chosen]
    deadline = time.monotonic() + PATIENCE_S
    while any(e.status is Status.RUNNING for e in queue.of_ids(ids)):
        if time.monotonic() > deadline:
            raise EnvironmentFailedError(
                "asked to stop, but still running", hint="see `amelio exp status`"
            )
        queue.take_back_lost()
        time.sleep(POLL_S)
    for found in queue.of_ids(ids):
        print_line(f"{found.name} {found.status}")
    if not chosen:
        print_line("nothing waits or runs")


def retry(
    names: Annotated[
        list[str] | None, typer.Argument(help="Failed or stopped ones; else all that failed.")
    ] = None,
) -> None:
    """Queue failed and stopped experiments again; they start from the same files as before."""
    queue = _open_queue()
    over = [e for e in queue.all() if e.status in (Status.FAILED, Status.STOPPED)]
    failed = [e for e in over if e.status is Status.FAILED]
    chosen = pick(names, over, "failed or was stopped") if names else failed
    queue.retry([found.id for found in chosen])
    if not chosen:
        print_line("no experiment failed")
        return
    print_line(f"queued again: {', '.join(found.name for found in chosen)}")
    print_line("  `amelio exp run --run-all` runs them")


def pick(names: Sequence[str], among: Sequence[Experiment], state: str) -> list[Experiment]:
    """The latest of each name. Raises InputError for a name that none has."""
    if not names:
        raise InputError("expected names of experiments, or --all")
    by_name = {found.name: found for found in among}
    for name in names:
        if name not in by_name:
            close = difflib.get_close_matches(name, by_name, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "see `amelio exp status`"
            raise InputError(f"no experiment {name!r} {state}", hint=hint)
    return [by_name[name] for name in names]


def _open_queue() -> Queue:
    home = find_home_here()
    put_in_order(home)
    return Queue(home.queue)
