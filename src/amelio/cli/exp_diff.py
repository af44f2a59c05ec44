"""`amelio exp diff A B`: metrics, parameters and code; DVC's options and JSON."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from amelio.cli.exp_view import shown_metric
from amelio.cli.wide_table import column_widths, table_width, wide_table
from amelio.dvcio.project import dvc_root
from amelio.errors import InputError
from amelio.experiments.telling import metric_rank
from amelio.insight.wording import counted
from amelio.redaction import HIDDEN, is_secret_name, one_line

MOST = 20  # metrics in a terminal
WORDS = {"A": "added", "M": "changed", "D": "removed"}
EMPTY = "-"


@dataclass(frozen=True)
class _Form:
    """How tables look. width: of the terminal, if it is one."""

    md: bool
    has_path: bool
    precision: int
    width: int | None


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
    """Say what differs between two experiments or commits: metrics, parameters, files."""
    if as_json and md:
        raise InputError("give one of --json, --md")
    is_terminal = sys.stdout.isatty() and not (as_json or md)
    metric = shown_metric(dvc_root(Path()) or Path()) if is_terminal else None
    found = diff_experiments(
        Path(), old, new, everything=everything, only_deps=param_deps, metric=metric
    )
    if as_json:
        typer.echo(json.dumps(record(found), default=str))
        return
    if found.is_empty and not everything:
        typer.echo(f"No difference between {one_line(old)} and {one_line(new)}.")
        return
    width = shutil.get_terminal_size().columns if is_terminal else None
    form = _Form(md, not no_path, precision, width)
    metrics = _section("Metric", found.metrics, found, form)
    params = _section("Param", found.params, found, form)
    parts = [metrics, params]
    if is_terminal and not everything:
        parts = [params, _most_telling(found, metric, form)]
    typer.echo("\n\n".join(part for part in (*parts, _files(found, md)) if part))


def _most_telling(found: ExperimentDiff, metric: str | None, form: _Form) -> str:
    """The metric that counts, then those whose good direction is known, then the others."""
    rows = sorted(
        found.metrics,
        key=lambda row: (f"{row.column.file}:{row.column.name}" != metric, metric_rank(row.column)),
    )
    text = _section("Metric", rows[:MOST], found, form)
    n_more = len(rows) - MOST
    more = f"{counted(n_more, 'more metric')}: `| less`, --md or --json show all"
    return f"{text}\n\n{more}" if n_more > 0 else text


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


def _section(title: str, rows: Sequence[Difference], found: ExperimentDiff, form: _Form) -> str:
    """Without the files' names where a terminal is too narrow for them."""
    if not rows:
        return ""
    header = ["Path", title, found.old, found.new, "Change"]
    cells = [
        [
            row.column.file,
            row.column.name,
            _value(row, row.old, form.precision),
            _value(row, row.new, form.precision),
            EMPTY if row.change is None else value_text(row.change, form.precision),
        ]
        for row in rows
    ]
    right = [False, False, *([True] * 3)]
    if form.width and table_width(column_widths([header, *cells])) > form.width:
        form = replace(form, has_path=False)
        cells = [["", row.column.header, *line[2:]] for row, line in zip(rows, cells, strict=True)]
    if not form.has_path:
        header, cells, right = header[1:], [line[1:] for line in cells], right[1:]
    return _drawn(header, cells, right, form.md)


def _files(found: ExperimentDiff, md: bool) -> str:
    rows = [[path, WORDS.get(letter, letter)] for letter, path in found.code]
    return _drawn(["File", "Change"], rows, [False, False], md) if rows else ""


def _drawn(header: list[str], rows: list[list[str]], right: list[bool], md: bool) -> str:
    if md:
        return markdown_lines(header, rows).rstrip("\n")
    return wide_table(header, rows, right=right, styled=sys.stdout.isatty())


def _value(row: Difference, value: Any, precision: int) -> str:
    if value is None:
        return EMPTY
    is_secret = row.column.kind == "params" and is_secret_name(row.column.name)
    return HIDDEN if is_secret else value_text(value, precision)
