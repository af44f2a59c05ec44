"""A column of text cells as one attribute's classes and codes."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amelio.vision.data.schema import Attribute
from amelio.vision.params import ClassName
from amelio.vision.problems import Problems

UNKNOWN = -1
MAX_CLASSES = 1000

_DIGITS = re.compile(r"\d")
_INTEGER = re.compile(r"[+-]?\d{1,15}(\.0*)?")  # pandas writes 1.0 where a column has empty cells
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class LabelColumn:
    """One attribute, and the code of each row: (N,) int64, -1 = unknown."""

    attribute: Attribute
    codes: NDArray[np.int64]


def read_labels(
    name: str,
    cells: Sequence[str],
    lines: Sequence[int],
    problems: Problems,
    declared: Sequence[ClassName] | None = None,
) -> LabelColumn:
    """Codes of `cells`; what is wrong goes to `problems`, with the line.

    The classes are `declared` or, sorted, those that occur: all integers, or all names.
    """
    values = {cell: as_class(cell) for cell in set(cells) if cell}
    if declared is None:
        wrong = _not_classes(values)
        right = {value for cell, value in values.items() if cell not in wrong}
        classes = tuple(sorted(right, key=lambda value: (str(type(value)), value)))
    else:
        classes = tuple(declared)
        wrong = _match_declared(values, classes)
    if len(set(values.values())) < 2 and not wrong:
        only = f"one class only, {next(iter(values.values()))!r}" if values else "no label at all"
        problems.at(1)(
            f"{name}: {only}; there is nothing to learn: annotate others or remove the column"
        )
    for cell, line in zip(cells, lines, strict=True) if wrong else ():
        if cell in wrong:
            problems.at(line)(f"{name}: {wrong[cell]}")
    codes = {value: code for code, value in enumerate(classes)}
    by_cell = {cell: codes.get(value, UNKNOWN) for cell, value in values.items()} | {"": UNKNOWN}
    return LabelColumn(
        Attribute(name, classes), np.array([by_cell[cell] for cell in cells], dtype=np.int64)
    )


def as_class(cell: str) -> ClassName:
    """`1` and `1.0` are the integer 1; all else is a name."""
    return int(cell.split(".")[0]) if _INTEGER.fullmatch(cell) else cell


def class_meant(
    name: ClassName, others: Iterable[ClassName], similarity: float = 0.8
) -> ClassName | None:
    """The first of `others` whose name is most like `name` in any case; integers are like nothing,
    nor are names that differ in digits only (grade_1) or in length by more (female, male) than 1.

    similarity: the least, by difflib's ratio in [0, 1]
    """
    if not isinstance(name, str):
        return None
    written: dict[str, str] = {}
    for other in others:
        if (
            isinstance(other, str)
            and abs(len(other) - len(name)) <= 1
            and _DIGITS.sub("", other) != _DIGITS.sub("", name)
        ):
            written.setdefault(other.casefold(), other)
    found = difflib.get_close_matches(name.casefold(), written, n=1, cutoff=similarity)
    return written[found[0]] if found else None


def _not_classes(values: dict[str, ClassName]) -> dict[str, str]:
    """Cells from which no class can be inferred → why not."""
    declare = "declare its classes in params.yaml, data.attributes"
    if len(values) > MAX_CLASSES:
        first = next(iter(values))
        return {first: f"{len(values)} different values: no attribute? If it is one, {declare}"}
    names = [cell for cell, value in values.items() if isinstance(value, str)]
    wrong = {}
    for cell in names:
        if _NUMBER.fullmatch(cell):
            wrong[cell] = f"{cell} is not an integer: classes are integers or names"
        elif len(names) < len(values):
            wrong[cell] = f"{cell!r} among integers; leave the cell empty if unknown, or {declare}"
    return wrong


def _match_declared(values: dict[str, ClassName], classes: tuple[ClassName, ...]) -> dict[str, str]:
    """Give each cell the declared class that is written like it; why not → the others."""
    written = {str(value): value for value in classes}
    wrong = {}
    for cell, value in values.items():
        match = written.get(cell, written.get(str(value)))
        if match is None:
            wrong[cell] = f"{cell!r} is none of its classes: {', '.join(written)}"
        else:
            values[cell] = match
    return wrong
