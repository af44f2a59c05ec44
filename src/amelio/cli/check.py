"""`amelio check`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from amelio.actions.alerts import send_test_alert
from amelio.actions.check import QualityCheck, check_quality
from amelio.cli.tables import table_console
from amelio.dvcio.project import project_root
from amelio.errors import EnvironmentFailedError, InputError
from amelio.quality.report import SIGNS, cells
from amelio.quality.verdicts import Status

STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.ALERT: "bold red"}


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    send_test: Annotated[
        bool, typer.Option("--test-alert", help="Only send a test message to every alert URL.")
    ] = False,
) -> None:
    """Judge the metrics by the rules of params.yaml and amelio.yaml; exits with 1 on an alert,
    unless quality.on_alert is warn.
    """
    if as_json + as_md + send_test > 1:
        raise InputError("give one of --json, --md, --test-alert")
    root = project_root(Path())
    if send_test:
        _send_test(root)
        return
    done = check_quality(root)
    if as_json:
        typer.echo(json.dumps(done.records(), indent=2))
    elif as_md:
        typer.echo(done.markdown(), nl=False)
    else:
        _show(done)
    for line in done.told:
        typer.echo(line, err=True)
    done.require()


def _show(done: QualityCheck) -> None:
    console = table_console()
    table = Table(title="Quality", title_justify="left", show_lines=True)
    for name in ("Rule", "Verdict", "Value", "Why, limit and source"):
        table.add_column(name, overflow="fold", justify="right" if name == "Value" else "left")
    for verdict in done.verdicts:
        rule, status, value, limit, message, source = cells(verdict)
        table.add_row(
            Text(rule),
            Text(status, STYLES[verdict.status]),
            Text(value),
            Text.assemble(message, "\n", (f"{limit}\n{source}", "dim")),
        )
    console.print(table)
    console.print(f"{SIGNS[done.status]} {done.headline}", markup=False, highlight=False)
    if all(verdict.message.startswith("no file ") for verdict in done.verdicts):
        console.print("No rule found its metrics: `amelio repro` makes them.", markup=False)


def _send_test(root: Path) -> None:
    deliveries = send_test_alert(root)
    for each in deliveries:
        typer.echo(f"{each.service}: {each.problem or 'delivered'}")
    failed = [each for each in deliveries if each.problem]
    if failed:
        raise EnvironmentFailedError(f"{len(failed)} of {len(deliveries)} alerts did not arrive")
