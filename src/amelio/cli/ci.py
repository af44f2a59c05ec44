"""`amelio ci …`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from amelio.actions.ci import CiOptions, write_github
from amelio.ci.facts import Remote
from amelio.ci.github import CML

app = typer.Typer()

SECRETS = {
    Remote.S3: "secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; variable AWS_DEFAULT_REGION",
    Remote.GS: "secret GS_CREDENTIALS (the key's JSON)",
    Remote.AZURE: "secret AZURE_STORAGE_CONNECTION_STRING",
    Remote.SSH: "secret SSH_PRIVATE_KEY; variable SSH_KNOWN_HOSTS (from `ssh-keyscan HOST`)",
}


@app.callback()
def ci() -> None:
    """Write workflow files."""


@app.command()
def github(
    remote: Annotated[
        Remote | None,
        typer.Option(help="Whose credentials; else by the default remote's URL."),
    ] = None,
    python: Annotated[str, typer.Option(help="Its version; else the one that runs now.")] = "",
    install: Annotated[
        str, typer.Option(metavar="COMMANDS", help="Instead of requirements.txt.")
    ] = "",
    gpu: Annotated[bool, typer.Option("--gpu", help="On a runner of yours labelled gpu.")] = False,
    with_cml: Annotated[
        bool, typer.Option("--with-cml", help="Comment by CML instead of GitHub's own program.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a workflow.")] = False,
) -> None:
    """Write .github/workflows/dvc-pipeline.yml: run, judge and report the pipeline on GitHub."""
    options = CiOptions(remote, python, install, gpu, with_cml, force)
    done = write_github(Path(), options)
    for path in done.files:
        typer.echo(f"wrote {os.path.relpath(path)}")
    if with_cml:
        typer.echo(
            f"note: npm fetches {CML} by its version, which no hash pins, and it gets a token that "
            "may write comments.\n  amelio's authors could not get it to look at: see docs/ci.md",
            err=True,
        )
    if not done.files:
        typer.echo("nothing changed: the workflow is there already")
    if done.remote:
        typer.echo(
            f"\nThe remote needs, under Settings → Secrets and variables → Actions:\n  "
            f"{SECRETS[done.remote]}"
        )
