"""`amelio why`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from amelio.actions.repro import STATE_FOLDER, ReproOptions, explain
from amelio.cli.forecast_text import forecast_lines
from amelio.cli.repro_view import print_line
from amelio.dvcio.workspace import open_workspace
from amelio.insight.records import last_failures
from amelio.model import Outcome, Selection


def why(
    stages: Annotated[list[str], typer.Argument(help="Names of stages.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say every reason for which stages would run, or why they would not."""
    workspace = open_workspace(is_dry=True)
    found = explain(workspace, ReproOptions(Selection(tuple(stages))))
    wanted = [f for f in found.stages if _is_one_of(f.stage.name, stages)] or list(found.stages)
    busy = [f.stage.id for f in wanted if f.outcome is not Outcome.UP_TO_DATE]
    failures = last_failures(workspace.root / STATE_FOLDER / "runs", busy)
    if as_json:
        told = [{**asdict(f), "last_failure": failures.get(f.stage.id)} for f in wanted]
        typer.echo(json.dumps(told, indent=2, default=str))
        return
    for forecast in wanted:
        for line in forecast_lines(forecast):
            print_line(line)
        if forecast.stage.id in failures:
            name = forecast.stage.name
            print_line(f"  when amelio last ran it, it failed: {failures[forecast.stage.id]}")
            print_line(f"  `amelio logs {name}` shows what it printed")


def _is_one_of(name: str, wanted: list[str]) -> bool:
    """Whether the stage, or its `foreach` or `matrix` group, is."""
    return name in wanted or name.partition("@")[0] in wanted
