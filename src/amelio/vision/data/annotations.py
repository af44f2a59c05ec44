"""`data/annotations/mapped_train.csv`: which image shows what."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amelio.errors import InputError
from amelio.vision.data.annotation_files import FileFinder
from amelio.vision.data.annotation_table import FILENAME, LOT, Table, read_table
from amelio.vision.data.image_folder import ImageFolder, scan
from amelio.vision.data.labels import UNKNOWN, LabelColumn, read_labels
from amelio.vision.data.schema import Attribute
from amelio.vision.params import ClassName
from amelio.vision.problems import Problems


@dataclass(frozen=True)
class Annotations:
    """Annotated images, sorted by file: the order of the CSV's rows changes nothing.

    files: N paths below the image folder, `lot/file`, each exists and lies inside
    labels: (N, A) int64, index into the attribute's classes, -1 = unknown
    lines: (N,) where in the CSV
    n_unlabelled: rows of which no attribute is known; they are left out
    """

    path: Path
    files: tuple[str, ...]
    labels: NDArray[np.int64]
    lines: tuple[int, ...]
    attributes: tuple[Attribute, ...]
    n_unlabelled: int = 0


class Fault(StrEnum):
    """What can be wrong with a row."""

    RAGGED = "ragged"
    FILE = "file"
    LABEL = "label"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Reading:
    """All that a CSV says, right or wrong.

    files: of each row, "" where there is none; lines: of each row, where in the CSV
    codes: (N, A) int64 of each row, -1 where unknown or wrong
    annotations: what remains, one for each file
    problems: what is wrong, by kind
    """

    files: tuple[str, ...]
    lines: tuple[int, ...]
    codes: NDArray[np.int64]
    annotations: Annotations
    problems: Mapping[Fault, Problems]


def read_annotations(
    path: Path, images: Path, declared: Mapping[str, Sequence[ClassName]] | None = None
) -> Annotations:
    """Read the CSV `path` about the lots below `images`.

    `filename` holds `lot/file`, or only `file` where a column `lot`, the lots' contents or the
    name's beginning (`s1_…`) tell the lot. Every other column is an attribute: integers or names,
    an empty cell is unknown. `declared` (attribute → classes, in order) says which columns and
    classes there are instead.

    Raises InputError with every problem of the file at once, each with its line.
    """
    reading = examine_annotations(path, scan(images), declared)
    found = reading.problems
    found[Fault.RAGGED].raise_if_any()
    Problems(path, found[Fault.FILE].found + found[Fault.LABEL].found).raise_if_any()
    found[Fault.CONTRADICTION].raise_if_any()
    return reading.annotations


def examine_annotations(
    path: Path, images: ImageFolder, declared: Mapping[str, Sequence[ClassName]] | None = None
) -> Reading:
    """Read the CSV `path` as `read_annotations` does, and collect what is wrong with its rows.

    Raises InputError only when it is no table about images: no file, no such columns.
    """
    problems = {fault: Problems(path) for fault in Fault}
    table = read_table(path, problems[Fault.RAGGED])
    columns = _attribute_columns(table, declared)
    finder = FileFinder(images)
    lots = table.columns.get(LOT, [""] * len(table.lines))
    names = table.columns[FILENAME]
    files = [
        finder.find(name, lot, problems[Fault.FILE].at(line))
        for name, lot, line in zip(names, lots, table.lines, strict=True)
    ]
    read = [
        read_labels(
            name,
            table.columns[name],
            table.lines,
            problems[Fault.LABEL],
            (declared or {}).get(name),
        )
        for name in columns
    ]
    codes = np.stack([column.codes for column in read], axis=1)
    labels, rows = _merged(files, read, table.lines, problems[Fault.CONTRADICTION])
    known = (labels != UNKNOWN).any(axis=1)
    annotations = Annotations(
        path=path,
        files=tuple(files[row] for row, kept in zip(rows, known, strict=True) if kept),
        labels=labels[known],
        lines=tuple(table.lines[row] for row, kept in zip(rows, known, strict=True) if kept),
        attributes=tuple(column.attribute for column in read),
        n_unlabelled=int((~known).sum()),
    )
    return Reading(tuple(files), tuple(table.lines), codes, annotations, problems)


def _attribute_columns(table: Table, declared: Mapping[str, object] | None) -> list[str]:
    found = [name for name in table.columns if name not in (FILENAME, LOT)]
    if declared is None:
        if not found:
            raise InputError("no attribute: 'filename' is the only column", path=table.path, line=1)
        _refuse_names_of_predictions(found, table.path)
        return found
    missing = [name for name in declared if name not in found]
    if missing:
        guess = difflib.get_close_matches(missing[0], found, n=1)
        raise InputError(
            f"no column {', '.join(map(repr, missing))}, declared in data.attributes",
            path=table.path,
            line=1,
            hint=f"did you mean {guess[0]!r}?" if guess else f"columns: {', '.join(found)}",
        )
    _refuse_names_of_predictions(list(declared), table.path)
    return list(declared)


def _refuse_names_of_predictions(attributes: Sequence[str], path: Path) -> None:
    """Two columns of `predictions_csv` would have one name."""
    taken = {"uncertain", *(f"{name}_probability" for name in attributes)}
    if clash := [name for name in attributes if name in taken]:
        raise InputError(
            f"an attribute cannot be called {clash[0]!r}: predictions have a column of that name",
            path=path,
            line=1,
            hint="rename the column, or leave it out: data.attributes in params.yaml names others",
        )


def _merged(
    files: list[str], columns: list[LabelColumn], lines: Sequence[int], problems: Problems
) -> tuple[NDArray[np.int64], list[int]]:
    """Labels (N, A) and the row of each file, sorted by file; rows of one file become one.

    A label of one row fills a cell that is unknown in another; of two different ones, which
    contradict, the first stays.
    """
    labels = np.stack([column.codes for column in columns], axis=1)
    first: dict[str, int] = {}
    for row, file in enumerate(files):
        if not file:
            continue
        kept = first.setdefault(file, row)
        if kept == row:
            continue
        both = (labels[kept] != UNKNOWN) & (labels[row] != UNKNOWN)
        for index in np.flatnonzero(both & (labels[kept] != labels[row])):
            attribute = columns[index].attribute
            before, now = (attribute.classes[labels[r, index]] for r in (kept, row))
            problems.at(lines[row])(
                f"{file}: {attribute.name} is {now!r}, but {before!r} in line {lines[kept]}"
            )
        labels[kept] = np.where(labels[kept] == UNKNOWN, labels[row], labels[kept])
    rows = sorted(first.values(), key=lambda row: files[row])
    return labels[rows], rows
