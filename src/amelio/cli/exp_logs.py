"""`amelio exp logs`."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from amelio.cli.exp_run import find_home_here
from amelio.cli.exp_stop import pick
from amelio.experiments.entry import OVER, Experiment
from amelio.experiments.queue import Queue

POLL_S = 0.2
_NUMBER = re.compile(r"^\d+-")


def logs(
    name: Annotated[str, typer.Argument(help="The experiment.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the experiment has ended.")
    ] = False,
) -> None:
    """Show what an experiment's stages printed, and why it failed."""
    queue = Queue(find_home_here().queue)
    found = pick([name], queue.all(), "is known here")[0]
    positions: dict[Path, int] = {}
    while True:
        found = queue.of_ids([found.id])[0]
        for text in _news(found, positions):
            sys.stdout.write(text)
        sys.stdout.flush()
        if not follow or found.status in OVER:
            break
        time.sleep(POLL_S)
    if found.message:
        print(found.message)


def _news(found: Experiment, positions: dict[Path, int]) -> Iterator[str]:
    """What the logs have beyond `positions`, which move on."""
    for path in log_files(found):
        if path not in positions:
            positions[path] = 0
            yield f"== {_NUMBER.sub('', path.parent.name)}\n"
        with path.open("rb") as file:
            file.seek(positions[path])
            chunk = file.read()
        positions[path] += len(chunk)
        yield chunk.decode(errors="replace")


def log_files(found: Experiment) -> list[Path]:
    """The logs of all its stages, in the order in which they started."""
    return [
        path
        for run in found.logs
        for path in sorted([*run.glob("runs/*/*/log"), *run.glob("*/log")])
    ]
