"""`amelio lots …`."""

import shlex
from pathlib import Path

import typer

from amelio.actions.lots import sync_lots
from amelio.dvcio.project import pipeline_root

app = typer.Typer()


@app.callback()
def lots() -> None:
    """Take in new lots of images."""


@app.command()
def sync() -> None:
    """Version data/raw; add every lot with unlabelled images to `inference.lots` in params.yaml."""
    root = pipeline_root(Path())
    done = sync_lots(root)
    typer.echo(f"Labelled lots: {', '.join(done.annotated) or 'none'}")
    typer.echo(f"Lots to predict: {', '.join(done.predicted) or 'none'}")
    typer.echo(f"New: {', '.join(done.added) or 'none'}")
    for lot in done.missing:
        typer.echo(f"No folder data/raw/{lot}: remove it from inference.lots, or `amelio pull`")
    typer.echo("\nNext:")
    if root != Path():
        typer.echo(f"  cd {shlex.quote(str(root))}")
    typer.echo("  amelio repro inference_batches")
    typer.echo("  git add data/raw.dvc params.yaml dvc.lock metrics reports && git commit")
    typer.echo("  amelio push && git push")
