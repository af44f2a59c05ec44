"""The annotations' rows → what is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from amelio.vision.data.annotation_table import FILENAME
from amelio.vision.data.annotations import Annotations, Fault, Reading
from amelio.vision.data.labels import UNKNOWN, class_meant
from amelio.vision.data.schema import Attribute
from amelio.vision.params import Params
from amelio.vision.problems import Problems
from amelio.vision.validation.findings import (
    Check,
    Finding,
    Found,
    percent,
)
from amelio.vision.validation_params import MisspeltClassesParams, ValidationParams

_OF_FAULTS = {
    Fault.RAGGED: Check.RAGGED_ROWS,
    Fault.FILE: Check.UNKNOWN_FILES,
    Fault.LABEL: Check.WRONG_LABELS,
    Fault.CONTRADICTION: Check.CONTRADICTIONS,
}
_SHOWN_LINES = 5


def check_annotations(reading: Reading, params: Params) -> Iterator[Found]:
    """One Found for each check of annotations."""
    validation = params.validation
    n_rows = len(reading.lines) + len(reading.problems[Fault.RAGGED].found)
    files = dict(zip(reading.lines, reading.files, strict=True))
    for fault, check in _OF_FAULTS.items():
        yield _faulty(check, reading.problems[fault], files, n_rows)
    table = _table(reading)
    broken = _broken(table, _schema(reading.annotations.attributes, validation))
    repeated = broken[broken["check"] == Check.REPEATED_ROWS]
    yield _repeated(reading, files, sorted(repeated["index"]), n_rows)
    yield _little_known(table, broken[broken["check"] == Check.UNKNOWN_LABELS]["column"].tolist())
    yield _rare(reading, validation.rare_classes.min_images)
    is_declared = params.data.attributes is not None
    yield _misspelt(reading, validation.misspelt_classes, is_declared)
    yield _same(reading.annotations, validation.same_attributes.agreement)


def _faulty(check: Check, problems: Problems, files: Mapping[int, str], n_rows: int) -> Found:
    """n counts rows: one with three wrong cells is one. files: by line, "" where there is none"""
    found = [
        Finding(text, line, (files[line],) if files.get(line) else ())
        for line, text in sorted(problems.found)
    ]
    return Found(check, len({finding.line for finding in found}), n_rows, found)


def _table(reading: Reading) -> pd.DataFrame:
    """The rows about files that are there, by line."""
    columns: dict[str, object] = {FILENAME: pd.array(reading.files, dtype="str")}
    for codes, attribute in zip(reading.codes.T, reading.annotations.attributes, strict=True):
        columns[attribute.name] = pd.Categorical.from_codes(
            codes, pd.Index(attribute.classes, dtype=object)
        )
    table = pd.DataFrame(columns, index=pd.Index(reading.lines, name="line"))
    return table[table[FILENAME] != ""]


def _schema(attributes: Sequence[Attribute], params: ValidationParams) -> pa.DataFrameSchema:
    """What a clean table is: a row for each file, and labels of which enough are known."""
    most = params.unknown_labels.above
    is_known = pa.Check(
        lambda column: bool(column.isna().mean() <= most),
        name=Check.UNKNOWN_LABELS,
        ignore_na=False,
    )
    once = pa.Check(lambda column: ~column.duplicated(), name=Check.REPEATED_ROWS)
    columns = {
        attribute.name: pa.Column(
            pd.CategoricalDtype(pd.Index(attribute.classes, dtype=object)), is_known, nullable=True
        )
        for attribute in attributes
    }
    return pa.DataFrameSchema({FILENAME: pa.Column(str, once), **columns}, strict=True)


def _broken(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Columns `column`, `check` and `index` (the line), one row for each case."""
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases: pd.DataFrame = error.failure_cases
        return cases
    return pd.DataFrame(columns=["column", "check", "index"])


def _repeated(
    reading: Reading, files: Mapping[int, str], lines: Sequence[int], n_rows: int
) -> Found:
    contradicting = {line for line, _ in reading.problems[Fault.CONTRADICTION].found}
    first: dict[str, int] = {}
    for line, file in files.items():
        first.setdefault(file, line)
    found = [
        Finding(f"{files[line]} stands in line {first[files[line]]} already", line, (files[line],))
        for line in lines
        if line not in contradicting
    ]
    return Found(Check.REPEATED_ROWS, len(found), n_rows, found)


def _little_known(table: pd.DataFrame, names: list[str]) -> Found:
    shares = {name: table[name].isna().mean() for name in names}
    found = [Finding(f"{name}: {percent(share)} unknown") for name, share in shares.items()]
    return Found(Check.UNKNOWN_LABELS, len(found), table.shape[1] - 1, found)


def _rare(reading: Reading, min_images: int) -> Found:
    """Of images whose rows contradict, the first row counts; all that name the class are shown."""
    attributes, labels = reading.annotations.attributes, reading.annotations.labels
    found = []
    for given, codes, attribute in zip(reading.codes.T, labels.T, attributes, strict=True):
        counts = np.bincount(codes[codes != UNKNOWN], minlength=len(attribute.classes))
        for code in np.flatnonzero(counts < min_images):
            rows = [row for row in np.flatnonzero(given == code) if reading.files[row]]
            n_images = f"{counts[code]} image{'' if counts[code] == 1 else 's'}"
            text = f"{attribute.name}: class {attribute.classes[code]!r} has {n_images}"
            text += f", fewer than {min_images}{_in_lines([reading.lines[row] for row in rows])}"
            files = tuple(reading.files[row] for row in rows[:_SHOWN_LINES])
            found.append(Finding(text, files=files))
    n_classes = sum(len(attribute.classes) for attribute in attributes)
    return Found(Check.RARE_CLASSES, len(found), n_classes, found)


def _misspelt(reading: Reading, params: MisspeltClassesParams, is_declared: bool) -> Found:
    """Classes that params.yaml declares are meant as they are."""
    attributes = reading.annotations.attributes
    columns = [] if is_declared else list(zip(reading.codes.T, attributes, strict=True))
    found = []
    for codes, attribute in columns:
        classes = attribute.classes
        counts = np.bincount(codes[codes != UNKNOWN], minlength=len(classes))
        for code, name in enumerate(classes):
            most_first = np.argsort(-counts, kind="stable")
            frequent = most_first[counts[most_first] >= params.times_rarer * counts[code]]
            meant = class_meant(name, [classes[other] for other in frequent], params.similarity)
            if meant is None:
                continue
            rows = np.flatnonzero(codes == code)
            lines = _in_lines([reading.lines[row] for row in rows])
            text = f"{attribute.name}: class {name!r}{lines}: did you mean {meant!r}, "
            text += f"which has {counts[classes.index(meant)]:,} rows?"
            files = [reading.files[row] for row in rows if reading.files[row]]
            found.append(Finding(text, files=tuple(files[:_SHOWN_LINES])))
    n_classes = sum(len(attribute.classes) for attribute in attributes)
    return Found(Check.MISSPELT_CLASSES, len(found), n_classes, found)


def _in_lines(lines: Sequence[int]) -> str:
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:_SHOWN_LINES]))
    more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
    return f" (line{'s' if len(lines) > 1 else ''} {shown}{more})"


def _same(annotations: Annotations, agreement: float) -> Found:
    columns = list(zip(annotations.attributes, annotations.labels.T, strict=True))
    pairs = [
        (first.name, second.name, told)
        for (first, codes), (second, others) in combinations(columns, 2)
        if (told := _told(codes, others)) >= agreement
    ]
    found = [
        Finding(f"{first} and {second} tell each other ({percent(told)})")
        for first, second, told in pairs
    ]
    n_same = len({second for _, second, _ in pairs})
    return Found(Check.SAME_ATTRIBUTES, n_same, len(columns), found)


def _told(codes: NDArray[np.int64], others: NDArray[np.int64]) -> float:
    """How well each of two attributes tells the other, in [0, 1]; the lesser of both ways.

    By how much the errors of guessing one's most frequent class go down when the other is known.
    Source: Goodman and Kruskal's lambda, 1954.
    """
    both = (codes != UNKNOWN) & (others != UNKNOWN)
    if not both.any():
        return 0.0
    shape = (int(codes.max()) + 1, int(others.max()) + 1)
    cells = codes[both] * shape[1] + others[both]
    table = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    return min(_lambda(table), _lambda(table.T))


def _lambda(table: NDArray[np.int64]) -> float:
    guessed = int(table.sum(axis=0).max())
    errors = int(table.sum()) - guessed
    return (int(table.max(axis=1).sum()) - guessed) / errors if errors else 0.0
