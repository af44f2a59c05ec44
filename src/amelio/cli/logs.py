"""`amelio logs`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.logs import earlier_tries, find_log, find_root, read_log


def logs(
    stage: Annotated[str, typer.Argument(help="Name of the stage.")],
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for it, and go on until it has ended.")
    ] = False,
) -> None:
    """Show what a stage printed when it last ran."""
    log = find_log(find_root(Path()), stage, follow)
    earlier = earlier_tries(log)
    if earlier:
        told = ", ".join(os.path.relpath(each) for each in earlier)
        typer.echo(f"the last of {len(earlier) + 1} tries; before it: {told}", err=True)
    for text in read_log(log, follow):
        typer.echo(text, nl=False)
