"""`amelio new`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.new import NewProject, OwnData, new_project
from amelio.errors import InputError


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where; the current folder by default.")
    ] = Path(),
    images: Annotated[
        Path | None, typer.Option(help="Your images: a folder of lots, or of images.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Your labels: a CSV with `filename` and attributes.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite files.")] = False,
) -> None:
    """Write the vision pipeline into a repository; Git and DVC are set up where they are not."""
    if (images is None) != (annotations is None):
        raise InputError("--images and --annotations go together")
    own = OwnData(images, annotations) if images and annotations else None
    project = new_project(folder, own=own, force=force)
    for line in _told(project):
        typer.echo(line)


def _told(project: NewProject) -> list[str]:
    lines = [f"Made {thing} in {project.folder}" for thing in project.made]
    lines += [f"Wrote {path}" for path in project.written]
    lines += [f"Kept your {path}" for path in project.kept]
    lots = project.lots
    if lots:
        lines += [f"Labelled lots: {', '.join(lots.annotated)}"]
        lines += [f"Lots to predict: {', '.join(lots.predicted) or 'none'}"]
        steps = ["amelio repro"]
    else:
        steps = [
            "put images into data/raw/<lot>/ and labels into data/annotations/mapped_train.csv",
            "amelio lots sync",
            "amelio repro",
        ]
    is_here = project.folder.resolve() == Path.cwd()
    go = [] if is_here else [f"cd {shlex.quote(str(project.folder))}"]
    commit = ["git add . && git commit -m 'Add the vision pipeline'"]
    return [*lines, "", "Next:", *(f"  {step}" for step in go + steps[:-1] + commit + steps[-1:])]
