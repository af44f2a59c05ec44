"""A table of any width and length as text; a thousand rows take rich five seconds."""

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len

from amelio.redaction import MIN_SECRET, one_line

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_GAP = "  "


def wide_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[bool],
    bold: Sequence[bool] = (),
    styled: bool = False,
) -> str:
    """The table's lines, joined; cells are one line each and have no secrets in them.

    right: for each column, whether it is flush right; bold: for each row
    """
    cells = [[shown(cell) for cell in row] for row in (header, *rows)]
    widths = column_widths(cells)
    lines = [_line(row, widths, right) for row in cells]
    rule = "─" * table_width(widths)
    if styled:
        emphasized = (True, *(bold or [False] * len(rows)))
        lines = [
            f"{_BOLD}{line}{_PLAIN}" if strong else line
            for line, strong in zip(lines, emphasized, strict=True)
        ]
        rule = f"{_DIM}{rule}{_PLAIN}"
    return "\n".join([lines[0], rule, *lines[1:]])


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """What each column takes; cells as they are shown."""
    return [max(map(_width, column)) for column in zip(*rows, strict=True)]


def table_width(widths: Sequence[int]) -> int:
    """What columns of these widths take together."""
    return sum(widths) + len(_GAP) * (len(widths) - 1)


@lru_cache(maxsize=100_000)
def shown(text: str) -> str:
    """A cell as it may be seen."""
    return text if is_harmless(text) else one_line(text)


def is_harmless(text: str) -> bool:
    """Whether it is a number or too short for a secret, as most cells are."""
    if not text.isascii() or len(text) >= 20:
        return False
    plain = text.replace(".", "").replace("-", "")
    return plain.isdigit() or (len(text) < MIN_SECRET and plain.isalnum())


@lru_cache(maxsize=100_000)
def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for text, width, is_right in zip(row, widths, right, strict=True):
        space = " " * (width - _width(text))
        parts.append(space + text if is_right else text + space)
    return _GAP.join(parts).rstrip()
