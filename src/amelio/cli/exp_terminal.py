"""The table of experiments as wide as the terminal: what tells most, as far as there is room."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

from amelio.cli.exp_text import WHY, Cells, cells_of, drawn
from amelio.cli.wide_table import column_widths, shown, table_width
from amelio.experiments.table import Column, Kind, Table, only_changed
from amelio.experiments.telling import FIGURE, PARAMETER, Rank, column_ranks

LONGEST_WHY = 40  # characters for which other columns make room; `exp logs` has all
_OWN_RANKS: dict[str, Rank] = {"Experiment": (-2, 0), "State": (-1, 0), WHY: (PARAMETER, 1)}
_OTHER_RANK: Rank = (FIGURE, 1)  # after the parameters that differ, and plain figures


def as_terminal_text(table: Table, precision: int, width: int, first: Collection[Column]) -> str:
    """All columns as DVC has them where they fit into `width`; else those that tell most, under
    short names, and how many more there are.

    first: the columns that come before all others
    """
    cells = cells_of(table, precision)
    if table_width(column_widths(_shown([cells.header, *cells.rows]))) <= width:
        return drawn(table, cells, styled=True)
    narrow = _Narrow(cells, table, first, width)
    chosen = narrow.that_fit()
    return drawn(table, narrow.part(chosen), styled=True) + _more(len(cells.header) - len(chosen))


def _more(count: int) -> str:
    if not count:
        return ""
    columns = "1 more column" if count == 1 else f"{count} more columns"
    return f"\n\n{columns}: --keep REGEX shows some, `| less -S` or --csv all"


class _Narrow:
    """The table's cells, of which only some are to be shown."""

    def __init__(self, cells: Cells, table: Table, first: Collection[Column], width: int) -> None:
        self._cells = cells
        self._width = width
        self._widths = column_widths(_shown(_with_short_reasons(cells, _room_of_why(width)).rows))
        ranks = column_ranks(table, first)
        own = [_OWN_RANKS.get(name, _OTHER_RANK) for name in cells.header]
        self._ranks = [ranks[c] if c else rank for c, rank in zip(cells.columns, own, strict=True)]
        self._short = _short_names(cells, only_changed(table).columns)

    def that_fit(self) -> list[int]:
        """Places of the columns for which there is room, as they stand in the table."""
        first, *others = sorted(range(len(self._ranks)), key=self._ranks.__getitem__)
        chosen = [first]
        for place in others:
            more = sorted([*chosen, place])
            names = column_widths(_shown([self._names(more)]))
            widths = map(max, names, (self._widths[each] for each in more))
            if table_width(list(widths)) <= self._width:
                chosen = more
            elif self._ranks[place][0] >= FIGURE:
                break  # what tells less is no better for being narrow
        return chosen

    def part(self, places: Sequence[int]) -> Cells:
        """Only these columns; a reason takes all the room that is left."""
        cells = self._cells.part(places, self._names(places))
        others = [row[:-1] for row in (cells.header, *cells.rows)]
        taken = table_width([*column_widths(_shown(others)), 0])
        return _with_short_reasons(cells, self._width - taken)

    def _names(self, places: Sequence[int]) -> list[str]:
        short = [self._short[place] for place in places]
        count = Counter(short)
        return [
            name if count[name] == 1 else self._cells.header[place]
            for name, place in zip(short, places, strict=True)
        ]


def _short_names(cells: Cells, different: Collection[Column]) -> list[str]:
    """Of metrics and parameters the last part, where that tells them from others that differ."""
    count = Counter(map(_end, different))
    return [
        _end(column)[1] if column and column.name and count[_end(column)] <= 1 else name
        for column, name in zip(cells.columns, cells.header, strict=True)
    ]


def _end(column: Column) -> tuple[Kind, str]:
    return column.kind, column.name.rpartition(".")[2]


def _room_of_why(width: int) -> int:
    return min(LONGEST_WHY, width // 3)


def _with_short_reasons(cells: Cells, width: int) -> Cells:
    if cells.header[-1] != WHY:
        return cells
    return replace(cells, rows=[[*row[:-1], _cut(row[-1], width)] for row in cells.rows])


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def _shown(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[shown(cell) for cell in row] for row in rows]
