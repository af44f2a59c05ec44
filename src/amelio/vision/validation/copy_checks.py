"""Images that are there twice: equal files, pictures of the same, and leaks into the test set."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amelio.vision.data.annotations import Annotations
from amelio.vision.data.labels import UNKNOWN
from amelio.vision.data.schema import Side
from amelio.vision.validation.findings import Check, Finding, Found
from amelio.vision.validation.near_copies import near_copies
from amelio.vision.validation_params import ValidationParams

_LEARNT = {Side.TRAIN: "to train on", Side.VALIDATION: "to validate on"}


@dataclass(frozen=True)
class Pictures:
    """The readable images and what is known of them.

    looks: (n,) LOOK; digests: of the files' contents
    sides: side of each labelled image by its row; labels: row in the annotations by its row
    """

    files: tuple[str, ...]
    looks: NDArray[np.void]
    digests: Sequence[bytes]
    sides: Mapping[int, Side]
    labels: Mapping[int, int]


def check_copies(
    pictures: Pictures, annotations: Annotations, params: ValidationParams
) -> Iterator[Found]:
    """One Found for each check of images that are there twice."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for row, digest in enumerate(pictures.digests):
        groups[digest].append(row)
    yield _copies(pictures, groups)
    yield _contradicting(pictures, groups, annotations)
    yield from _near(pictures, groups, params)


def _copies(pictures: Pictures, groups: Mapping[bytes, list[int]]) -> Found:
    files = pictures.files
    found = [
        Finding(f"{files[row]}: the same file as {files[first]}", files=(files[first], files[row]))
        for row, first in sorted((row, first) for first, *rest in groups.values() for row in rest)
    ]
    return Found(Check.COPIES, len(found), len(files), found)


def _contradicting(
    pictures: Pictures, groups: Mapping[bytes, list[int]], annotations: Annotations
) -> Found:
    found = []
    for rows in groups.values():
        first, *others = [row for row in rows if row in pictures.labels] or [-1]
        for row in others:
            if text := _disagreement(pictures.labels[first], pictures.labels[row], annotations):
                file, same = pictures.files[row], pictures.files[first]
                line = annotations.lines[pictures.labels[row]]
                text = f"{file}: the same file as {same}, but {text}"
                found.append(Finding(text, line, (same, file)))
    return Found(Check.CONTRADICTING_COPIES, len(found), len(pictures.labels), found)


def _disagreement(first: int, second: int, annotations: Annotations) -> str:
    before, now = annotations.labels[first], annotations.labels[second]
    differing = (before != now) & (before != UNKNOWN) & (now != UNKNOWN)
    texts = []
    for place in np.flatnonzero(differing):
        attribute = annotations.attributes[place]
        was, is_now = attribute.classes[before[place]], attribute.classes[now[place]]
        line = annotations.lines[first]
        texts.append(f"{attribute.name} is {is_now!r}, not {was!r} as in line {line}")
    return "; ".join(texts)


def _near(
    pictures: Pictures, groups: Mapping[bytes, list[int]], params: ValidationParams
) -> Iterator[Found]:
    """Near copies, of which those between the test set and what is learnt from are leaks."""
    labelled_first = (
        min(rows, key=lambda row: row not in pictures.sides) for rows in groups.values()
    )
    has_content = pictures.looks["spread"] >= params.uniform.below  # else all are alike
    rows = np.array(sorted(row for row in labelled_first if has_content[row]), np.int64)
    looks = pictures.looks[rows]
    pairs = near_copies(looks["hash"], looks["tiny"], params.near_copies.similarity)
    copies: dict[int, Finding] = {}
    leaks: dict[int, Finding] = {}
    for pair in zip(rows[pairs.first], rows[pairs.second], pairs.similarity, strict=True):
        first, second, similarity = int(pair[0]), int(pair[1]), float(pair[2])
        sides = {pictures.sides.get(row): row for row in (first, second)}
        learnt = next((side for side in _LEARNT if side in sides), None)
        if Side.TEST in sides and learnt is not None:
            tested, source = sides[Side.TEST], sides[learnt]
            shown = (pictures.files[source], pictures.files[tested])
            text = f"{shown[1]}: shows what {shown[0]}, {_LEARNT[learnt]}, shows ({similarity:.3f})"
            leaks.setdefault(tested, Finding(text, files=shown))
        else:
            shown = (pictures.files[first], pictures.files[second])
            text = f"{shown[1]}: shows what {shown[0]} shows ({similarity:.3f})"
            copies.setdefault(second, Finding(text, files=shown))
    n_tested = sum(side is Side.TEST for side in pictures.sides.values())
    yield Found(Check.NEAR_COPIES, len(copies), len(pictures.files), list(copies.values()))
    yield Found(Check.LEAKS, len(leaks), n_tested, list(leaks.values()))
