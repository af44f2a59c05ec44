"""`amelio logs`."""

from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.logs import find_log, find_root, read_log


def logs(
    stage: Annotated[str, typer.Argument(help="Name of the stage.")],
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for it, and go on until it has ended.")
    ] = False,
) -> None:
    """Show what a stage printed when it last ran."""
    for text in read_log(find_log(find_root(Path()), stage, follow), follow):
        typer.echo(text, nl=False)
