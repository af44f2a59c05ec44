"""Faces: determined by (seed, lot, index), balanced, visible, and of another palette in lot 7."""

import io
from collections import Counter
from dataclasses import asdict, replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from amelio.demos import faces
from amelio.demos.faces import CLASSES, DRIFTED_LOT, N_COMBINATIONS, FaceLabels


def pixels(lot: int, index: int) -> NDArray[np.int64]:
    with Image.open(io.BytesIO(faces.png(0, lot, index))) as image:
        return np.asarray(image).astype(np.int64)


def test_a_face_is_determined_by_seed_lot_and_index() -> None:
    numbers = [(0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1)]
    first = [faces.png(*key) for key in numbers]
    again = [faces.png(*key) for key in reversed(numbers)]
    assert first == again[::-1]
    assert len(set(first)) == len(numbers)


def test_size_format_and_weight() -> None:
    files = [faces.png(0, lot, index) for lot in (1, DRIFTED_LOT) for index in range(5)]
    for content in files:
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (500, 500))
    assert max(map(len, files)) <= 60_000


def test_every_combination_comes_once_in_each_block() -> None:
    for start in (0, N_COMBINATIONS):
        block = {faces.labels(3, 1, start + i) for i in range(N_COMBINATIONS)}
        assert len(block) == N_COMBINATIONS
    assert faces.labels(3, 1, 0) != faces.labels(3, 1, N_COMBINATIONS)


def test_attributes_are_in_range_and_balanced_before_a_block_is_full() -> None:
    shown = [asdict(faces.labels(0, 1, index)) for index in range(90)]
    for name, n_classes in zip(FaceLabels.__annotations__, CLASSES, strict=True):
        counts = Counter(labels[name] for labels in shown)
        assert set(counts) == set(range(n_classes))
        assert min(counts.values()) > 0.5 * 90 / n_classes


@pytest.mark.parametrize(
    ("attribute", "one", "other"),
    [("beard", 0, 1), ("mustache", 0, 1), ("glasses_binary", 0, 1)]
    + [("hair_length", *pair) for pair in combinations(range(3), 2)]
    + [("hair_color_label", *pair) for pair in combinations(range(5), 2)],
)
def test_every_class_looks_different(
    attribute: str, one: int, other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(3):
        shown = []
        for value in (one, other):
            truth = replace(FaceLabels(0, 0, 0, 0, 0), **{attribute: value})
            monkeypatch.setattr(faces, "labels", lambda *_, truth=truth: truth)
            shown.append(pixels(1, index))
        differing = np.abs(shown[0] - shown[1]).max(axis=2) > 25
        assert differing.sum() > 1500  # of 250,000; the smallest mustache of 150 had 2,590


def test_only_the_drifted_lot_has_other_colours() -> None:
    means = {
        lot: np.mean([pixels(lot, index).mean(axis=(0, 1)) for index in range(12)], axis=0)
        for lot in (1, 2, 6, DRIFTED_LOT, 8)
    }
    usual = [means[lot] for lot in (1, 2, 6, 8)]
    assert all(np.abs(one - other).max() < 15 for one, other in pairwise(usual))
    assert np.abs(means[DRIFTED_LOT] - means[1]).max() > 60


def test_the_border_is_uniform_paper_in_most_images() -> None:
    """So that trimming finds something to trim."""
    n_uniform = 0
    for index in range(20):
        face = pixels(1, index)
        rims = (face[:3], face[-3:], face[:, :3], face[:, -3:])
        n_uniform += sum(len(np.unique(rim.reshape(-1, 3), axis=0)) == 1 for rim in rims)
    assert n_uniform >= 0.9 * 4 * 20
