"""What a report shows, before anybody decides whether it becomes a terminal's or Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Table:
    """Rows of plain texts; numbers: columns that stand at the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A heading, one sentence that tells the most, a table, and what follows from it."""

    title: str
    headline: str
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def shortened(table: Table, n_rows: int | None, where: str) -> tuple[Table, tuple[str, ...]]:
    """At most `n_rows`, and a note on where the others are."""
    n_more = 0 if n_rows is None else len(table.rows) - n_rows
    if n_more <= 0:
        return table, ()
    kept = Table(table.columns, table.rows[:n_rows], table.numbers)
    return kept, (f"… and {n_more} more: `{where}`",)


def sparkline(values: Sequence[float], n_last: int = 10) -> str:
    """The last values as bars from 0 to the largest; nothing of a single one."""
    shown = values[-n_last:]
    top = max(shown, default=0.0)
    if len(shown) < 2 or top <= 0:
        return ""
    return "".join(BARS[round(max(0.0, v) / top * (len(BARS) - 1))] for v in shown)
