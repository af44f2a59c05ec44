"""How the classes are spread over the sides of the split, and what is too few to work with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amelio.errors import InputError
from amelio.vision.data.labels import class_meant
from amelio.vision.data.schema import Attribute, Side

_MOST_STANDARD_ERRORS = 4.0  # by chance in 1 of 16,000 classes
_USED = (Side.TRAIN, Side.VALIDATION, Side.TEST)


@dataclass(frozen=True)
class Balance:
    """Images per class and side.

    counts: for each attribute (C, 4) int64, columns in the order of Side
    lines: for each attribute (C,) int64, where in the CSV an image of the class stands; 0: nowhere
    unknown: for each attribute, images whose label is not known
    sides: (4,) int64, images of each side
    """

    attributes: tuple[Attribute, ...]
    counts: tuple[NDArray[np.int64], ...]
    lines: tuple[NDArray[np.int64], ...]
    unknown: tuple[int, ...]
    sides: NDArray[np.int64]


def balance_of(
    attributes: tuple[Attribute, ...],
    labels: NDArray[np.int64],
    sides: NDArray[np.uint8],
    lines: Sequence[int],
) -> Balance:
    """Count; labels: (N, A) with -1 unknown, sides: (N,) values of Side, lines: (N,) in the CSV."""
    n_sides = len(Side)
    counts, places = [], []
    for column, attribute in zip(labels.T, attributes, strict=True):
        known = column >= 0
        cells = column[known] * n_sides + sides[known]
        table = np.bincount(cells, minlength=len(attribute.classes) * n_sides)
        counts.append(table.reshape(-1, n_sides))
        place = np.zeros(len(attribute.classes), np.int64)
        place[column[known]] = np.asarray(lines)[known]
        places.append(place)
    return Balance(
        attributes=attributes,
        counts=tuple(counts),
        lines=tuple(places),
        unknown=tuple(int(n) for n in (labels < 0).sum(axis=0)),
        sides=np.bincount(sides, minlength=n_sides),
    )


def check_balance(balance: Balance) -> tuple[str, ...]:
    """What is worth a warning; raises InputError for what cannot be trained or tested at all."""
    _check_sides(balance)
    single: list[str] = []
    warnings: list[str] = []
    tables = zip(balance.attributes, balance.counts, balance.lines, strict=True)
    for attribute, table, lines in tables:
        single += _single(attribute, table.sum(axis=1), lines)
        if (table[:, Side.TRAIN] > 0).sum() < 2:
            single.append(
                f"{attribute.name}: fewer than two of its classes are among those to train on"
            )
        warnings += _warnings(attribute, table)
    if single:
        raise InputError(
            "\n  ".join(["too few annotated images:", *single]),
            hint="a class must be learnt from one image and tested on another: annotate more, "
            "empty these cells, or correct them if they are typing errors",
        )
    return tuple(warnings)


def describe_balance(balance: Balance) -> Iterator[str]:
    """Lines of a table: images per side, and per class and side."""
    rows = [("", *(side.name.lower() for side in _USED))]
    rows.append(("images", *(str(balance.sides[side]) for side in _USED)))
    tables = zip(balance.attributes, balance.counts, balance.unknown, strict=True)
    for attribute, table, unknown in tables:
        for name, counts in zip(attribute.classes, table, strict=True):
            rows.append((f"{attribute.name} = {name}", *(str(counts[side]) for side in _USED)))
        if unknown:
            rows.append((f"{attribute.name} unknown: {unknown} in all", "", "", ""))
    width = max(len(row[0]) for row in rows)
    for name, *cells in rows:
        yield (f"{name:{width}}" + "".join(f"{cell:>12}" for cell in cells)).rstrip()
    if balance.sides[Side.UNUSED]:
        yield f"left unused, as train_split + val_split < 1: {balance.sides[Side.UNUSED]}"


def _check_sides(balance: Balance) -> None:
    empty = [side.name.lower() for side in _USED if balance.sides[side] == 0]
    if empty:
        spread = ", ".join(f"{side.name.lower()} {balance.sides[side]}" for side in _USED)
        raise InputError(
            f"too few images to split: {spread}",
            hint="annotate more images, or make the empty sides larger in params.yaml, as by "
            "data.train_split: 0.7, data.val_split: 0.3, evaluate.test_size: 0.3",
        )


def _single(
    attribute: Attribute, totals: NDArray[np.int64], lines: NDArray[np.int64]
) -> Iterator[str]:
    several = [attribute.classes[code] for code in np.flatnonzero(totals > 1)]
    for code in np.flatnonzero(totals == 1):
        name = attribute.classes[code]
        meant = class_meant(name, several)
        guess = f"; did you mean {meant!r}?" if meant is not None else ""
        yield f"line {lines[code]}: {attribute.name}: class {name!r} has a single image{guess}"


def _warnings(attribute: Attribute, table: NDArray[np.int64]) -> Iterator[str]:
    n_per_side = table.sum(axis=0)
    shares = table.sum(axis=1) / max(table.sum(), 1)
    for name, counts, share in zip(attribute.classes, table, shares, strict=True):
        label = f"{attribute.name} = {name}"
        if counts.sum() == 0:
            yield f"{label}: declared, but no image has it"
            continue
        for side in _USED:
            if counts[side] == 0:
                place = side.name.lower()
                yield f"{label}: {counts.sum()} images, none of them on the {place} side"
                continue
            error = np.sqrt(share * (1 - share) / n_per_side[side])
            found = counts[side] / n_per_side[side]
            if abs(found - share) > _MOST_STANDARD_ERRORS * error:
                yield (
                    f"{label}: {found:.1%} of the {side.name.lower()} side, {share:.1%} of all; "
                    "many copies of one image?"
                )
