"""The table of experiments as text, Markdown and CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from amelio.cli.wide_table import is_harmless, wide_table
from amelio.experiments.table import Column, Kind, Row, Table
from amelio.insight.wording import duration
from amelio.redaction import HIDDEN, is_secret_name
from amelio.reports.markdown import escaped

EMPTY = "-"
WHY = "Why"
_ROUND = 7  # characters of a commit


@dataclass(frozen=True)
class Cells:
    """All of a table as text. columns: what each one is about; None of amelio's own ones."""

    header: list[str]
    rows: list[list[str]]
    columns: list[Column | None]

    @property
    def right(self) -> list[bool]:
        """Whether a column is flush right."""
        return [column is not None and column.kind is Kind.METRICS for column in self.columns]

    def part(self, places: Sequence[int], header: list[str]) -> "Cells":
        """Some of the columns, under these names."""
        rows = [[row[place] for place in places] for row in self.rows]
        return Cells(header, rows, [self.columns[place] for place in places])


def as_text(table: Table, precision: int, *, styled: bool) -> str:
    """For a terminal, wider than it where need be."""
    return drawn(table, cells_of(table, precision), styled=styled)


def drawn(table: Table, cells: Cells, *, styled: bool) -> str:
    """The table's rows with some or all of its cells; what experiments start from stands out."""
    bold = [not row.is_experiment for row in table.rows]
    return wide_table(cells.header, cells.rows, right=cells.right, bold=bold, styled=styled)


def as_markdown(table: Table, precision: int) -> str:
    """The same for pages."""
    cells = cells_of(table, precision)
    return markdown_lines(cells.header, cells.rows)


def markdown_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of GitHub's kind of any cells."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def cells_of(table: Table, precision: int) -> Cells:
    """Header and rows; a reason is the last one, as it is long."""
    extra = _extra(table)
    last = [name for name in extra if name == WHY]
    own = ["Experiment", "Created", *(name for name in extra if name != WHY)]
    rows = [
        [
            label(row, is_last=is_last),
            _created(row),
            *(_extra_text(row, each, EMPTY) for each in own[2:]),
            *(_hidden(_value(row, column, precision, EMPTY), column) for column in table.columns),
            *(_extra_text(row, each, EMPTY) for each in last),
        ]
        for row, is_last in _with_last(table.rows)
    ]
    header = [*own, *(column.header for column in table.columns), *last]
    return Cells(header, rows, [*([None] * len(own)), *table.columns, *([None] * len(last))])


def as_csv(table: Table, precision: int | None) -> str:
    """DVC's columns: values as they are, times in ISO format, durations in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    extra = _extra(table)
    own = ["Experiment", "rev", "typ", "Created", "parent"]
    writer.writerow([*own, *extra, *(column.header for column in table.columns)])
    for row, is_last in _with_last(table.rows):
        kind = ("branch_base" if is_last else "branch_commit") if row.is_experiment else "baseline"
        commit = row.snapshot.commit
        short = commit[:_ROUND] if row.is_experiment else row.label
        created = row.time.isoformat() if row.time else ""
        name = row.label if row.is_experiment else ""
        facts = [_extra_text(row, each, "", in_seconds=True) for each in extra]
        values = [_value(row, column, precision, "") for column in table.columns]
        writer.writerow([name, short, kind, created, "", *facts, *values])
    return text.getvalue()


def label(row: Row, *, is_last: bool) -> str:
    """A row's name, below the commit that it belongs to."""
    if not row.is_experiment:
        return row.label
    commit = row.snapshot.commit[:_ROUND]
    name = f"{commit} [{row.label}]" if row.label else commit
    return f"{'└──' if is_last else '├──'} {name}"


def value_text(value: Any, precision: int | None) -> str:
    """A value as DVC shows it: numbers with so many digits."""
    return str(_rounded(value, precision))


def _with_last(rows: Sequence[Row]) -> list[tuple[Row, bool]]:
    nexts = [*rows, None][1:]
    return [(row, n is None or not n.is_experiment) for row, n in zip(rows, nexts, strict=True)]


def _extra(table: Table) -> list[str]:
    """The columns that are there only when something is known."""
    found = {
        "State": any(row.state for row in table.rows),
        "Executor": any(row.executor for row in table.rows),
        "Duration": any(row.facts.duration_s is not None for row in table.rows),
        WHY: any(row.facts.message for row in table.rows),
    }
    return [name for name, is_there in found.items() if is_there]


def _extra_text(row: Row, name: str, empty: str, *, in_seconds: bool = False) -> str:
    if name == "Duration":
        seconds = row.facts.duration_s
        if seconds is None:
            return empty
        return f"{seconds:.3f}" if in_seconds else duration(seconds)
    text = {"State": row.state, "Executor": row.executor, WHY: row.facts.message}[name]
    return (text if name == WHY else text.capitalize()) or empty


def _created(row: Row) -> str:
    if row.time is None:
        return EMPTY
    is_today = row.time.date() == date.today()
    return row.time.strftime("%I:%M %p" if is_today else "%b %d, %Y")


def _value(row: Row, column: Column, precision: int | None, empty: str) -> str:
    value = row.values.get(column)
    if value is None:
        return empty
    text = value_text(value, precision)
    return text[:_ROUND] if column.kind is Kind.DEPS and precision else text


def _hidden(text: str, column: Column) -> str:
    is_secret = column.kind is Kind.PARAMS and is_secret_name(column.name)
    return HIDDEN if is_secret and text != EMPTY else text


def _rounded(value: Any, precision: int | None) -> Any:
    if isinstance(value, float) and precision:
        return f"{value:.{precision}g}"
    if isinstance(value, dict):
        return {key: _rounded(each, precision) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each, precision) for each in value]
    return value


def _escaped(cell: str) -> str:
    return cell if is_harmless(cell) else escaped(cell)
