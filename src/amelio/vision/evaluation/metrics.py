"""What a confusion matrix and probabilities tell of one attribute; numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_CALIBRATION_BINS = 15  # Guo et al. 2017 use 15

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScores:
    """Figures of each class of one attribute, all (C,), in the order of the classes.

    n: images that really are of the class; n_predicted: images that were taken for it
    A class that was never predicted has precision 0, one that never occurs has recall 0.
    """

    n: Integers
    n_predicted: Integers
    precision: Floats
    recall: Floats
    f1_score: Floats

    def macro(self, scores: Floats) -> float:
        """Mean of `scores` over the classes that occur or were predicted, as scikit-learn does."""
        return float(scores[(self.n + self.n_predicted) > 0].mean())


@dataclass(frozen=True)
class CalibrationBin:
    """The predictions whose probability lies in (low, high]: how sure they were, how right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def confusion_matrix(actual: Integers, predicted: Integers, n_classes: int) -> Integers:
    """How often class i (row) was taken for class j (column).

    actual, predicted: (N,) in 0 … n_classes - 1
    returns: (C, C) int64
    """
    cells = np.bincount(actual * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def accuracy(matrix: Integers) -> float:
    """Share of the images on the diagonal of a confusion matrix (C, C)."""
    return float(np.trace(matrix) / matrix.sum())


def class_scores(matrix: Integers) -> ClassScores:
    """Precision, recall and F1 of each class from a confusion matrix (C, C).

    Source: sklearn.metrics.precision_recall_fscore_support(zero_division=0), compared in
    tests/vision/evaluation/test_metrics.py.
    """
    right = np.diag(matrix)
    n, n_predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    return ClassScores(
        n=n,
        n_predicted=n_predicted,
        precision=_ratio(right, n_predicted),
        recall=_ratio(right, n),
        f1_score=_ratio(2 * right, n + n_predicted),
    )


def calibration_bins(
    confidence: Floats, right: NDArray[np.bool_], n_bins: int = N_CALIBRATION_BINS
) -> list[CalibrationBin]:
    """Predictions grouped by probability into bins of equal width; empty bins are left out.

    confidence: (N,) probability of the predicted class, in [0, 1]
    right: (N,) whether the prediction was true
    """
    edges = np.linspace(0, 1, n_bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    return [
        CalibrationBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for index in range(n_bins)
        if (inside := place == index).any()
    ]


def calibration_error(bins: list[CalibrationBin]) -> float:
    """Expected calibration error: mean gap of probability and accuracy, weighted by images.

    0 is perfect; 0.1 means that "90 % sure" is right in 80 or 100 % of the cases.
    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    gaps = sum(bin_.n * abs(bin_.accuracy - bin_.confidence) for bin_ in bins)
    return float(gaps / sum(bin_.n for bin_ in bins))


def _ratio(numerator: Integers, denominator: Integers) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
