"""Tables below `plots/`: CSV files with names that every file system and DVC's page can take."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from amelio.atomic import write_text

DIGITS = 6


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, all or nothing; floats with DIGITS significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_short(cell) for cell in row])
    write_text(path, text.getvalue())


def file_stems(names: Sequence[str]) -> list[str]:
    """A file name for each of `names`, in order: no separators, no two alike on any file system."""
    stems: list[str] = []
    for name in names:
        # DVC makes an HTML id of the path: letters of any script are fine, most signs are not
        stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", name))[:50].strip("_") or "_"
        taken = {other.casefold() for other in stems}
        number = 1
        unique = stem
        while unique.casefold() in taken:
            number += 1
            unique = f"{stem}_{number}"
        stems.append(unique)
    return stems


def _short(cell: Any) -> Any:
    return float(f"{cell:.{DIGITS}g}") if isinstance(cell, float) else cell
