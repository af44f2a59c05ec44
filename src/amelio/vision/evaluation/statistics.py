"""Is the difference of two models on the same images more than chance? numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amelio.vision.evaluation.metrics import Floats, Integers

Bools = NDArray[np.bool_]
CHUNK = 1000  # resamples at a time, which bounds the memory
DIGITS = 12  # sums of floats that are equal in truth compare as equal


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether all of it lies on one side of zero."""
        return self.low > 0 or self.high < 0


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of McNemar's test, exact for any number of images.

    only_first, only_second: images that only this one of two models got right
    Under the null each of these images is the toss of a fair coin.
    Source: McNemar 1947; scipy.stats.binomtest, compared in
    tests/vision/evaluation/test_statistics.py.
    """
    n = only_first + only_second
    tail, term = 0, 1
    for successes in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (n - successes) // (successes + 1)
    share: float = 2 * tail / 2**n
    return min(1.0, share)


def holm(p_values: list[float]) -> list[float]:
    """p-values corrected so that one false alarm among all of them stays as rare as in one test.

    Source: Holm 1979; compared with its definition in tests/vision/evaluation/test_statistics.py.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def paired_bootstrap(
    gains: Integers, known: Bools, confidence: float, n_resamples: int, rng: np.random.Generator
) -> tuple[list[Interval], Interval]:
    """Percentile intervals of the mean gain: of each attribute, and of the mean over attributes.

    gains: (N, A) in -1, 0, 1: second model right minus first model right
    known: (N, A) whether the image's label is known; each attribute has a known one

    Whole images are drawn again, so that the attributes of one image stay together. Images with
    the same gains are alike, so a draw of N images is one of how often each pattern comes up:
    the time depends on the number of patterns, not of images.
    Source: Efron 1979; compared with scipy.stats.bootstrap in
    tests/vision/evaluation/test_statistics.py.
    """
    n, n_attributes = gains.shape
    patterns, counts = np.unique(
        np.hstack([np.where(known, gains, 0), known]), axis=0, return_counts=True
    )
    drawn = rng.multinomial(n, counts / n, size=n_resamples).astype(np.float64)
    sums = drawn @ patterns[:, :n_attributes]
    totals = drawn @ patterns[:, n_attributes:]
    means = np.divide(sums, totals, out=np.full_like(sums, np.nan), where=totals > 0)
    overall = means[~np.isnan(means).any(axis=1)].mean(axis=1)  # rarely is an attribute undrawn
    attributes = [_interval(column[~np.isnan(column)], confidence) for column in means.T]
    return attributes, _interval(overall, confidence)


def sign_flip(scores: Floats, n_resamples: int, rng: np.random.Generator) -> float:
    """Two-sided p-value of the hypothesis that swapping the two models changes nothing.

    scores: (N,) each image's share of the difference; their sum is what is tested

    Every image's sign is tossed anew; the p-value is the share of tosses that give as large a sum.
    For one attribute that is McNemar's test, which it stands in for where an image has several.
    Source: Fisher 1935, the randomisation test for pairs.
    """
    sizes, counts = np.unique(np.abs(scores).round(DIGITS), return_counts=True)
    seen = round(abs(float(scores.sum())), DIGITS)
    n_as_large = 0
    for start in range(0, n_resamples, CHUNK):
        n = min(CHUNK, n_resamples - start)
        heads = rng.binomial(counts, 0.5, size=(n, len(counts)))
        sums = np.abs((2 * heads - counts) @ sizes).round(DIGITS)
        n_as_large += int((sums >= seen - 10.0 ** (2 - DIGITS)).sum())
    return (1 + n_as_large) / (1 + n_resamples)


def smallest_alpha(confidence: float) -> float:
    """1 - confidence without the dust of binary fractions: 0.05 for 0.95."""
    return round(1 - confidence, DIGITS)


def _interval(values: Floats, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
