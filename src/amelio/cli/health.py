"""`amelio health`."""

from dataclasses import asdict
from typing import Annotated

import typer

from amelio.actions.health import TIMEOUT_S, examine
from amelio.cli.sections import as_json as json_text
from amelio.cli.sections import markdown, show
from amelio.dvcio.workspace import open_workspace
from amelio.errors import InputError
from amelio.insight.health import HealthFinding, Level, worst
from amelio.insight.tables import Section, Table

SIGNS = {Level.FINE: "✓", Level.ADVICE: "⚠", Level.BROKEN: "✗"}


def health(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that each remote has to answer.")
    ] = TIMEOUT_S,
) -> None:
    """Say what is wrong with cache, disks, remotes, settings; exits with 1 if anything is broken.

    Writes a small file into each remote and the cache's folder, and removes it again.
    """
    if as_json and as_md:
        raise InputError("give one of --json, --md")
    findings = examine(open_workspace(is_quiet=True), timeout)
    if as_json:
        found = {"health": worst(findings), "findings": [asdict(each) for each in findings]}
        typer.echo(json_text(found))
    elif as_md:
        typer.echo(markdown("Health", [_section(findings)]), nl=False)
    else:
        show([_section(findings)])
    if worst(findings) is Level.BROKEN:
        raise typer.Exit(1)


def _section(findings: tuple[HealthFinding, ...]) -> Section:
    rows = tuple((f"{SIGNS[each.level]} {each.topic}", each.text) for each in findings)
    notes = tuple(
        f"{SIGNS[each.level]} to mend {each.topic}: {each.fix}" for each in findings if each.fix
    )
    counts = [f"{sum(each.level is level for each in findings)} {level}" for level in Level]
    return Section("Health", ", ".join(counts), (Table(("Looked at", "Found"), rows),), notes)
