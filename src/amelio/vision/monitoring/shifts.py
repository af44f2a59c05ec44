"""Do two samples come from one distribution, and how far are they apart? KS, chi-square, PSI."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from amelio.vision.evaluation.metrics import Floats, Integers

N_BINS = 10  # of numbers, for PSI: deciles of the reference, as is the custom
EXACT_PRODUCT = 100_000  # sample sizes up to which the exact KS p-value takes milliseconds
MIN_EXPECTED = 5.0  # images of a class, in either sample, from which chi-square holds (Cochran)


@dataclass(frozen=True)
class Shift:
    """One trait, in the reference and in a lot.

    ks: largest distance of the two cumulative shares, 0 … 1; None for classes
    psi: population stability index; p_value: of the test alone
    """

    p_value: float
    psi: float
    ks: float | None = None


def shift_of_numbers(reference: Floats, lot: Floats) -> Shift:
    """Kolmogorov and Smirnov's two-sample test, and PSI over the reference's deciles.

    reference: (M,), lot: (N,), both at least one
    Source: scipy.stats.ks_2samp; exact where samples are small.
    """
    exact = len(reference) * len(lot) <= EXACT_PRODUCT
    with warnings.catch_warnings():  # where the exact p-value underflows scipy takes the other
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ks_2samp(reference, lot, method="exact" if exact else "asymp")
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, N_BINS + 1)[1:-1]))
    n_bins = len(edges) + 1
    counts = [
        np.bincount(np.searchsorted(edges, sample), minlength=n_bins) for sample in (reference, lot)
    ]
    return Shift(float(np.clip(found.pvalue, 0, 1)), psi(*counts), float(found.statistic))


def shift_of_classes(reference: Integers, lot: Integers) -> Shift:
    """Chi-square's test of homogeneity, and PSI over the classes.

    reference, lot: (C,) images of each class; each has at least one image

    Classes that are too rare for the test are taken together, the rarest first.
    Source: scipy.stats.chi2_contingency, without Yates' correction.
    """
    table = _without_rare(np.stack([reference, lot]))
    p_value = 1.0  # one class is left: nothing can differ
    if table.shape[1] > 1:
        p_value = float(stats.chi2_contingency(table, correction=False).pvalue)
    return Shift(p_value, psi(reference, lot))


def psi(reference: Integers, lot: Integers) -> float:
    """Population stability index of two rows of counts: Σ (q - p) ln(q / p).

    reference, lot: (C,) counts; to each, one image is added that is spread as both together are,
    so that no share is zero and equal shares stay equal

    By custom 0.1 is some change and 0.25 a major one. Source: Siddiqi 2006, Credit Risk Scorecards.
    """
    pooled = (reference + lot) / (reference + lot).sum()
    there = pooled > 0
    p, q = ((counts[there] + pooled[there]) / (counts.sum() + 1) for counts in (reference, lot))
    return float(((q - p) * np.log(q / p)).sum())


def detectable_ks(n_reference: int, n_lot: int, alpha: float) -> float:
    """The smallest KS distance that is significant at `alpha`; at most 1.

    From the tail of Kolmogorov's distribution, P(D > d) ≈ 2 exp(-2 d² MN / (M + N)).
    """
    effective = n_reference * n_lot / (n_reference + n_lot)
    return min(1.0, math.sqrt(-math.log(alpha / 2) / (2 * effective)))


def detectable_psi(n_reference: int, n_lot: int, n_classes: int, alpha: float) -> float:
    """The smallest PSI that is significant at `alpha`.

    PSI times MN / (M + N) is distributed as chi-square's statistic. Source: Yurdakul 2018,
    Statistical Properties of Population Stability Index.
    """
    if n_classes < 2:
        return math.inf
    effective = n_reference * n_lot / (n_reference + n_lot)
    return float(stats.chi2.isf(alpha, n_classes - 1)) / effective


def _without_rare(table: Integers) -> Integers:
    """(2, C) counts → (2, c) whose expected values all reach MIN_EXPECTED, or one column."""
    columns = sorted(table.T[table.sum(axis=0) > 0].tolist(), key=sum)
    least_share = table.sum(axis=1).min() / table.sum()
    while len(columns) > 1 and sum(columns[0]) * least_share < MIN_EXPECTED:
        first, second, *others = columns
        merged = [a + b for a, b in zip(first, second, strict=True)]
        columns = sorted([merged, *others], key=sum)
    return np.array(columns, dtype=np.int64).T
