"""`amelio exp diff A B`: metrics, parameters and code; DVC's options and JSON."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from amelio.actions.experiments_diff import (
    WORKSPACE,
    Difference,
    ExperimentDiff,
    diff_experiments,
)
from amelio.cli.exp_text import markdown_lines, value_text
from amelio.cli.wide_table import wide_table
from amelio.errors import InputError
from amelio.redaction import HIDDEN, is_secret_name, one_line

WORDS = {"A": "added", "M": "changed", "D": "removed"}
EMPTY = "-"


def diff(
    old: Annotated[str, typer.Argument(metavar="[A]", help="HEAD if left out.")] = "HEAD",
    new: Annotated[str, typer.Argument(metavar="[B]", help="The workspace if left out.")] = (
        WORKSPACE
    ),
    everything: Annotated[bool, typer.Option("--all", help="Also what is the same.")] = False,
    param_deps: Annotated[
        bool, typer.Option("--param-deps", help="Only parameters that stages depend on.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    no_path: Annotated[bool, typer.Option("--no-path", help="Leave file names out.")] = False,
    precision: Annotated[int, typer.Option(help="Digits of metrics.")] = 5,
) -> None:
    """Say what differs between two experiments or commits: metrics, parameters, code."""
    if as_json and md:
        raise InputError("give one of --json, --md")
    found = diff_experiments(Path(), old, new, everything=everything, only_deps=param_deps)
    if as_json:
        typer.echo(json.dumps(record(found), default=str))
        return
    parts = [
        _section("Metric", found.metrics, found, md, no_path, precision),
        _section("Param", found.params, found, md, no_path, precision),
        _code(found, md),
    ]
    text = "\n\n".join(part for part in parts if part)
    typer.echo(text or f"No difference between {one_line(old)} and {one_line(new)}.")


def record(found: ExperimentDiff) -> dict[str, Any]:
    """DVC's JSON, and the files."""
    record: dict[str, Any] = {}
    for name, rows in (("metrics", found.metrics), ("params", found.params)):
        files: dict[str, dict[str, Any]] = {}
        for row in rows:
            values = {"old": row.old, "new": row.new}
            if row.change is not None:
                values["diff"] = row.new - row.old
            files.setdefault(row.column.file, {})[row.column.name] = values
        record[name] = files
    return {**record, "code": {path: WORDS.get(letter, letter) for letter, path in found.code}}


def _section(
    title: str,
    rows: Sequence[Difference],
    found: ExperimentDiff,
    md: bool,
    no_path: bool,
    precision: int,
) -> str:
    if not rows:
        return ""
    header = ["Path", title, found.old, found.new, "Change"]
    cells = [
        [
            row.column.file,
            row.column.name,
            _value(row, row.old, precision),
            _value(row, row.new, precision),
            EMPTY if row.change is None else value_text(row.change, precision),
        ]
        for row in rows
    ]
    if no_path:
        header, cells = header[1:], [line[1:] for line in cells]
    right = [False] * (len(header) - 3) + [True] * 3
    return _drawn(header, cells, right, md)


def _code(found: ExperimentDiff, md: bool) -> str:
    rows = [[path, WORDS.get(letter, letter)] for letter, path in found.code]
    return _drawn(["Code", "Change"], rows, [False, False], md) if rows else ""


def _drawn(header: list[str], rows: list[list[str]], right: list[bool], md: bool) -> str:
    if md:
        return markdown_lines(header, rows).rstrip("\n")
    return wide_table(header, rows, right=right, styled=sys.stdout.isatty())


def _value(row: Difference, value: Any, precision: int) -> str:
    if value is None:
        return EMPTY
    is_secret = row.column.kind == "params" and is_secret_name(row.column.name)
    return HIDDEN if is_secret else value_text(value, precision)
