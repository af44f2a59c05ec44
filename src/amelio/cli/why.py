"""`amelio why`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from amelio.actions.repro import ReproOptions, explain
from amelio.cli.forecast_text import forecast_lines
from amelio.cli.repro_view import print_line
from amelio.dvcio.workspace import open_workspace
from amelio.model import Selection


def why(
    stages: Annotated[list[str], typer.Argument(help="Names of stages.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say every reason for which stages would run, or why they would not."""
    found = explain(open_workspace(is_dry=True), ReproOptions(Selection(tuple(stages))))
    wanted = [f for f in found.stages if _is_one_of(f.stage.name, stages)] or list(found.stages)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in wanted], indent=2, default=str))
        return
    for forecast in wanted:
        for line in forecast_lines(forecast):
            print_line(line)


def _is_one_of(name: str, wanted: list[str]) -> bool:
    """Whether the stage, or its `foreach` or `matrix` group, is."""
    return name in wanted or name.partition("@")[0] in wanted
