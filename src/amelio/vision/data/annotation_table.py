"""The annotation CSV as columns of text, with the line of each row."""

import csv
import difflib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amelio.errors import InputError
from amelio.vision.problems import Problems

FILENAME = "filename"
LOT = "lot"


@dataclass(frozen=True)
class Table:
    """Columns by name, in the file's order, and the line on which each row ends."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]


def read_table(path: Path, ragged: Problems) -> Table:
    """Read a CSV file in UTF-8, separated by `,`, `;` or tabs; empty rows are passed over.

    Rows with too few or too many cells go to `ragged` and are left out.
    Raises InputError: missing, empty, another encoding, no `filename` column.
    """
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    rows, lines = [], []
    try:
        for row in reader:
            if any(row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"not a CSV file: {error}", path=path, line=reader.line_num) from error
    if not rows:
        raise InputError("empty: there is no 'filename' column", path=path)
    header = [name.strip() for name in rows[0]]
    _check_header(header, path, lines[0])
    kept, kept_lines = [], []
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) == len(header):
            kept.append([cell.strip() for cell in row])
            kept_lines.append(line)
        else:
            ragged.at(line)(f"{len(row)} cells, but the header has {len(header)}")
    if len(rows) == 1:
        raise InputError("no rows below the header", path=path)
    columns = zip(*kept, strict=True) if kept else ([] for _ in header)
    return Table(path, dict(zip(header, map(list, columns), strict=True)), kept_lines)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        hint = f"write it, with a column '{FILENAME}' and one column per attribute"
        raise InputError("no such file", path=path, hint=hint) from error
    except IsADirectoryError as error:
        raise InputError("a folder, expected a CSV file", path=path) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not in UTF-8", path=path, line=line, hint="save it as 'CSV UTF-8'"
        ) from error


def _separator(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)  # the comma where there is none of them


def _check_header(header: Sequence[str], path: Path, line: int) -> None:
    if FILENAME not in header:
        guess = difflib.get_close_matches(FILENAME, [name.lower() for name in header], n=1)
        meant = [name for name in header if guess and name.lower() == guess[0]]
        raise InputError(
            f"no column '{FILENAME}'; columns: {', '.join(header)}",
            path=path,
            line=line,
            hint=f"did you mean {meant[0]!r}? Then rename it" if meant else None,
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"columns of one name: {', '.join(twice)}", path=path, line=line)
    if "" in header:
        place = header.index("") + 1
        hint = "written by pandas? Then with to_csv(…, index=False)"
        raise InputError(f"column {place} has no name", path=path, line=line, hint=hint)
