"""The data of plots, read so that a file of any size is drawn: large tables are sampled."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

MAX_BYTES = 8 * 1000**2  # DVC reads a whole file into dicts, ten times its size
MAX_ROWS = 5_000  # more than a chart has pixels
MAX_IMAGE_BYTES = 30 * 1000**2
_TABLES = {".csv": ",", ".tsv": "\t"}
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg")


def resolve(content: dict[str, Any]) -> dict[str, str]:
    """Read every data source that DVC collected, in place; returns a note for each sampled file."""
    notes = {}
    for state in content.values():
        for path, source in state.get("sources", {}).get("data", {}).items():
            if not callable(source.get("data_source")):
                continue
            read = source.pop("data_source")
            filesystem, name = read.args
            size = _size(filesystem, name)
            if size <= MAX_BYTES:
                source.update(read(cache=True))
                note = _thinned(source)
            else:
                note = _sample_large(source, filesystem, name, size)
            if note:
                notes[path] = f"{path}: {note}"
    return notes


def _size(filesystem: Any, path: str) -> int:
    try:
        return int(filesystem.info(path)["size"] or 0)
    except (OSError, KeyError, TypeError):
        return 0


def _thinned(source: dict[str, Any]) -> str:
    """Keep `MAX_ROWS` of each list of rows."""
    data = source.get("data")
    lists = [data] if isinstance(data, list) else []
    lists += (
        [part for part in data.values() if isinstance(part, list)] if isinstance(data, dict) else []
    )
    n_most = max(map(len, lists), default=0)
    for rows in lists:
        rows[:] = _spread(rows)
    return _said(MAX_ROWS, n_most) if n_most > MAX_ROWS else ""


def _spread(rows: list[Any]) -> list[Any]:
    """Rows evenly taken, first and last included."""
    n_rows = len(rows)
    if n_rows <= MAX_ROWS:
        return rows
    return [rows[i * (n_rows - 1) // (MAX_ROWS - 1)] for i in range(MAX_ROWS)]


def _sample_large(source: dict[str, Any], filesystem: Any, path: str, size: int) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    megabytes = f"{size / 1000**2:.0f} MB"
    try:
        if suffix in _TABLES:
            rows, n_rows = _table_rows(filesystem, path, size, _TABLES[suffix], source["props"])
        elif suffix == ".json":
            rows, n_rows = _json_rows(filesystem, path)
        elif suffix in _IMAGES and size <= MAX_IMAGE_BYTES:
            with filesystem.open(path, mode="rb") as file:
                source["data"] = file.read()
            return ""
        else:
            raise ValueError(f"{megabytes} are too many to draw")
    except (OSError, ValueError, UnicodeDecodeError, csv.Error) as error:
        source["error"] = ValueError(f"{path.removeprefix('/')}: {error}")
        return ""
    source["data"] = rows
    return f"{megabytes}, " + _said(len(rows), n_rows)


def _said(n_kept: int, n_all: int) -> str:
    return f"{n_kept:,} of {n_all:,} rows are drawn, evenly taken"


def _table_rows(
    filesystem: Any, path: str, size: int, delimiter: str, props: dict[str, Any]
) -> tuple[list[dict[str, str]], int]:
    """Every n-th row, with n from the length of the first ones; one pass, little memory."""
    with filesystem.open(path, mode="r", encoding="utf8") as file:
        reader = csv.reader(file, delimiter=delimiter)
        names = next(reader, [])
        first = list(islice(reader, 1000))
        row_bytes = max(1.0, sum(len(",".join(row)) + 1 for row in first) / max(1, len(first)))
        step = max(1, int(size / row_bytes / MAX_ROWS))
        if not props.get("header", True):
            first.insert(0, names)
            names = [str(place) for place in range(len(names))]
        kept = first[::step]
        n_rows = len(first)
        for row in reader:
            if n_rows % step == 0:
                kept.append(row)
            n_rows += 1
    return [dict(zip(names, row, strict=False)) for row in _spread(kept)], n_rows


def _json_rows(filesystem: Any, path: str) -> tuple[list[Any], int]:
    """As many elements of a list of rows; a list at the top only."""
    with filesystem.open(path, mode="r", encoding="utf8") as file:
        text = file.read().lstrip()
    if not text.startswith("["):
        raise ValueError("of large JSON files, only lists of rows are drawn")
    n_expected = max(1, text.count("{"))
    step = max(1, n_expected // MAX_ROWS)
    rows, n_rows = [], 0
    for row in _elements(text):
        if n_rows % step == 0:
            rows.append(row)
        n_rows += 1
    return _spread(rows), n_rows


def _elements(text: str) -> Iterator[Any]:
    decode = json.JSONDecoder().raw_decode
    place = 1
    while True:
        while text[place : place + 1] in {" ", "\n", "\r", "\t", ","}:
            place += 1
        if text[place : place + 1] in {"]", ""}:
            return
        element, place = decode(text, place)
        yield element
