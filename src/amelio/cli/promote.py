"""`amelio promote`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.promote import CHAMPION, STAGE
from amelio.actions.promote import promote as make_champion
from amelio.dvcio.project import pipeline_root


def promote(
    revision: Annotated[
        str, typer.Argument(metavar="[REV]", help="A revision, an experiment or a model file.")
    ] = "workspace",
) -> None:
    """Make a model the champion, which `compare_models` compares new ones with."""
    root = pipeline_root(Path())
    done = make_champion(root, revision)
    typer.echo(f"The model of {done.place} is the champion: {CHAMPION}")
    if done.warning:
        typer.echo(f"warning: {done.warning}", err=True)
    if not done.is_dependency:
        typer.echo(
            f"warning: dvc.yaml has no stage {STAGE} with deps; add {CHAMPION} to the deps of the "
            "stage that compares models",
            err=True,
        )
    typer.echo("\nNext:")
    if root != Path():
        typer.echo(f"  cd {shlex.quote(str(root))}")
    typer.echo(f"  git add {' '.join(done.commit)}")
    typer.echo(f"  git commit -m 'Make the model of {done.place} the champion' && amelio push")
