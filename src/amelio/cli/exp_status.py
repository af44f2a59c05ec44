"""`amelio exp status`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from amelio.cli.exp_run import find_home_here
from amelio.cli.exp_view import live_metrics, shown_metric, table
from amelio.cli.repro_view import print_line
from amelio.experiments.entry import OVER, Experiment
from amelio.experiments.home import put_in_order
from amelio.experiments.queue import Queue

SHOWN_ENDED = 20


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all entries.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All that have ended, too.")] = False,
) -> None:
    """What waits, what runs and how far it is, and what ended lately."""
    home = find_home_here()
    put_in_order(home)
    found = Queue(home.queue).all() if home.queue.exists() else []
    if as_json:
        print_line(json.dumps([_record(e) for e in found], default=str))
        return
    if not found:
        print_line("no experiments yet; run some with `amelio exp run -S NAME=VALUE,VALUE`")
        return
    ended = sorted((e for e in found if e.status in OVER), key=lambda e: e.ended or 0)
    shown = ended if everything else ended[-SHOWN_ENDED:]
    live = [e for e in found if e.status not in OVER]
    from amelio.cli.tables import table_console

    console = table_console()
    console.print(table([*live, *shown], shown_metric(home.root), console.width))
    if len(shown) < len(ended):
        print_line(f"{len(ended) - len(shown)} more have ended: `--all` shows them")


def _record(found: Experiment) -> dict[str, Any]:
    record = {**asdict(found), "metrics": found.metrics or live_metrics(found)}
    del record["metric_files"]  # only for looking there
    return record
