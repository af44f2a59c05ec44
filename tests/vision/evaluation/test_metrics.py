"""Metrics against scikit-learn, and calibration against its definition spelt out."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from amelio.vision.evaluation.metrics import (
    accuracy,
    calibration_bins,
    calibration_error,
    class_scores,
    confusion_matrix,
)

N_CLASSES = 5
PAIRS = st.lists(
    st.tuples(st.integers(0, N_CLASSES - 1), st.integers(0, N_CLASSES - 1)), min_size=1
)
SURE_AND_RIGHT = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1)


@given(PAIRS)
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    actual, predicted = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    matrix = confusion_matrix(actual, predicted, N_CLASSES)
    scores = class_scores(matrix)
    labels = range(N_CLASSES)
    assert (matrix == reference.confusion_matrix(actual, predicted, labels=labels)).all()
    assert accuracy(matrix) == pytest.approx(reference.accuracy_score(actual, predicted))
    each = reference.precision_recall_fscore_support(
        actual, predicted, labels=labels, zero_division=0
    )
    for mine, theirs in zip(
        (scores.precision, scores.recall, scores.f1_score, scores.n), each, strict=True
    ):
        np.testing.assert_allclose(mine, theirs)
    macro = reference.precision_recall_fscore_support(
        actual, predicted, average="macro", zero_division=0
    )
    for mine, theirs in zip(
        (scores.precision, scores.recall, scores.f1_score), macro[:3], strict=True
    ):
        assert scores.macro(mine) == pytest.approx(theirs)


@given(SURE_AND_RIGHT, st.integers(1, 20))
def test_calibration_error_is_its_definition(pairs: list[tuple[float, bool]], n_bins: int) -> None:
    confidence, right = (np.array(side) for side in zip(*pairs, strict=True))
    expected = 0.0
    edges = np.linspace(0, 1, n_bins + 1)
    for low, high in pairwise(edges):
        inside = [(c, r) for c, r in pairs if low < c <= high or (low == c == 0)]
        if inside:
            gap = abs(sum(c for c, _ in inside) - sum(r for _, r in inside))
            expected += gap / len(pairs)
    bins = calibration_bins(confidence, right, n_bins)
    assert sum(bin_.n for bin_ in bins) == len(pairs)
    assert calibration_error(bins) == pytest.approx(expected, abs=1e-9)


def test_calibration_of_a_braggart_is_bad_and_of_an_honest_one_good() -> None:
    right = np.array([True] * 7 + [False] * 3)
    assert calibration_error(calibration_bins(np.full(10, 1.0), right)) == pytest.approx(0.3)
    assert calibration_error(calibration_bins(np.full(10, 0.7), right)) == pytest.approx(0.0)
