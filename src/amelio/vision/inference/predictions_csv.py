"""Predictions as CSV: `filename, lot, <attribute>, <attribute>_probability, …, uncertain`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.atomic import replacing
from amelio.errors import InputError
from amelio.vision.disk_space import room_for

if TYPE_CHECKING:  # these import torch, 2 s that a stage which only collects need not pay
    from amelio.vision.data.schema import Attribute
    from amelio.vision.inference.inference import Prediction

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
_CELL_BYTES = 16  # for the estimate of what a file will need


def write_predictions(
    path: Path,
    attributes: tuple[Attribute, ...],
    rows: Iterable[tuple[str, str, Prediction]],
    threshold: float,
    n_rows: int = 0,
) -> None:
    """Write (lot, filename, prediction) rows to `path`, all or nothing, as they come.

    A file that is unreadable has empty cells, and `uncertain` is true.
    n_rows: how many to expect, to see beforehand whether the disk has room

    Raises EnvironmentFailedError when the disk is full.
    """
    header = ["filename", "lot"]
    for attribute in attributes:
        header += [attribute.name, f"{attribute.name}_probability"]
    needed_bytes = n_rows * (len(header) + 1) * _CELL_BYTES
    with (
        room_for(path, needed_bytes),
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([harmless(name) for name in [*header, "uncertain"]])
        for lot, name, prediction in rows:
            writer.writerow(_cells(lot, name, prediction, attributes, threshold))


def collect_predictions(paths: Sequence[Path], output: Path) -> int:
    """Join the lots' files into `output`, in the order given; returns the number of predictions.

    Raises InputError when a file is missing, or its columns are not the first file's;
    EnvironmentFailedError when the disk is full.
    """
    n_rows = 0
    header: list[str] = []
    needed_bytes = sum(path.stat().st_size for path in paths if path.is_file())
    with (
        room_for(output, needed_bytes),
        replacing(output) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        for path in paths:
            try:
                lot = path.open(encoding="utf-8", newline="")
            except FileNotFoundError as error:
                hint = "predict its lot first: amelio repro inference_batches"
                raise InputError("no such file", path=path, hint=hint) from error
            with lot:
                reader = csv.reader(lot)
                columns = next(reader, [])
                if not header:
                    header = columns
                    writer.writerow(header)
                elif columns != header:
                    raise InputError(
                        f"columns {', '.join(columns)}, but {paths[0]} has {', '.join(header)}",
                        path=path,
                        hint="predict all lots with one model: amelio repro inference_batches",
                    )
                for row in reader:
                    writer.writerow(row)
                    n_rows += 1
        if not header:
            writer.writerow(["filename", "lot", "uncertain"])  # no lots yet
    return n_rows


def harmless(text: str) -> str:
    """`text` such that no spreadsheet takes it for a formula. Source: OWASP ASVS 5.0, 1.2.10."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(
    lot: str,
    name: str,
    prediction: Prediction,
    attributes: tuple[Attribute, ...],
    threshold: float,
) -> list[str]:
    cells = [harmless(name), harmless(lot)]
    if prediction.reason:
        cells += [""] * 2 * len(attributes)
    for value, probability in zip(prediction.classes, prediction.probabilities, strict=True):
        cells.append(harmless(value) if isinstance(value, str) else str(value))
        cells.append(f"{probability:.6f}")
    return [*cells, "true" if prediction.is_uncertain(threshold) else "false"]
