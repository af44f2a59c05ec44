"""Statistics against scipy, against their definitions, and by simulation under the null."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from amelio.vision.evaluation.metrics import Integers
from amelio.vision.evaluation.statistics import (
    Bools,
    holm,
    mcnemar_exact,
    paired_bootstrap,
    sign_flip,
    smallest_alpha,
)

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)
N_SIMULATIONS = 1500  # the standard error of a rate of 5 % is 0.6 %


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_scipys_binomial_test(only_first: int, only_second: int) -> None:
    n = only_first + only_second
    expected = stats.binomtest(only_first, n, 0.5).pvalue if n else 1.0
    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected)


def test_mcnemar_of_many_images_stays_exact() -> None:
    expected = stats.binomtest(9_700, 20_000, 0.5).pvalue
    assert mcnemar_exact(9_700, 10_300) == pytest.approx(expected)


def test_holm_is_that_of_statsmodels() -> None:
    """multipletests([0.01, 0.04, 0.03, 0.005], method="holm") of statsmodels 0.14."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(P_VALUES)
def test_holm_is_its_definition(p_values: list[float]) -> None:
    ranked = sorted(p_values)
    for p_value, corrected in zip(p_values, holm(p_values), strict=True):
        steps = [
            min(1.0, (len(p_values) - rank) * other)
            for rank, other in enumerate(ranked)
            if other <= p_value
        ]
        # equal p-values stand at several ranks; the first of them decides, as it is the largest
        assert corrected == pytest.approx(max(steps))


def test_bootstrap_is_scipys() -> None:
    gains, known = drawn(np.random.default_rng(0), n=400, n_attributes=1, share=0.2)
    [mine], overall = paired_bootstrap(gains, known, 0.9, 20_000, np.random.default_rng(1))
    theirs = stats.bootstrap(
        (gains[:, 0].astype(float),),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        confidence_level=0.9,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert mine == overall
    assert mine.low == pytest.approx(theirs.low, abs=0.003)
    assert mine.high == pytest.approx(theirs.high, abs=0.003)


def test_bootstrap_of_partly_labelled_images_is_that_of_drawing_images_one_by_one() -> None:
    rng = np.random.default_rng(3)
    gains, known = drawn(rng, n=150, n_attributes=3, share=0.3, known_share=0.6)
    gains[:, 1] = np.where(known[:, 1] & (rng.random(150) < 0.2), 1, gains[:, 1])
    attributes, overall = paired_bootstrap(gains, known, 0.95, 20_000, rng)
    rows = rng.integers(150, size=(20_000, 150))
    means = gains[rows].sum(1) / known[rows].sum(1)
    for column, interval in enumerate(attributes):
        expected = np.quantile(means[:, column], [0.025, 0.975])
        assert [interval.low, interval.high] == pytest.approx(expected, abs=0.012)
    expected = np.quantile(means.mean(1), [0.025, 0.975])
    assert [overall.low, overall.high] == pytest.approx(expected, abs=0.008)


@given(st.integers(0, 40), st.integers(0, 40))
def test_sign_flip_of_one_attribute_is_mcnemars_test(only_first: int, only_second: int) -> None:
    scores = np.array([-0.01] * only_first + [0.01] * only_second + [0.0] * 5)
    p_value = sign_flip(scores, 5000, np.random.default_rng(0))
    assert p_value == pytest.approx(mcnemar_exact(only_first, only_second), abs=0.03)


def test_sign_flip_of_several_attributes_is_scipys_permutation_test() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(0.2, 1, size=60)
    expected = stats.permutation_test(
        (scores,), np.mean, permutation_type="samples", n_resamples=20_000, rng=rng
    ).pvalue
    assert sign_flip(scores, 20_000, rng) == pytest.approx(expected, abs=0.01)


def test_equal_seeds_give_equal_figures() -> None:
    gains, known = drawn(np.random.default_rng(5), n=100, n_attributes=2, share=0.2)
    once, again = (
        paired_bootstrap(gains, known, 0.95, 1000, np.random.default_rng(6)) for _ in range(2)
    )
    assert once == again


@pytest.mark.parametrize(("n", "n_attributes", "share"), [(60, 1, 0.1), (120, 4, 0.1)])
def test_false_alarms_are_as_rare_as_promised(n: int, n_attributes: int, share: float) -> None:
    """At 5 %, at most 6 % of comparisons of equally good models may look different."""
    rng = np.random.default_rng(7)
    alpha = smallest_alpha(0.95)
    n_overall = n_any_attribute = 0
    for _ in range(N_SIMULATIONS):
        gains, known = drawn(rng, n, n_attributes, share, known_share=0.9)
        _, overall = paired_bootstrap(gains, known, 0.95, 1000, rng)
        scores = (gains / known.sum(0)).sum(1)
        n_overall += sign_flip(scores, 1000, rng) <= alpha and overall.excludes_zero()
        p_values = [mcnemar_exact(int((c < 0).sum()), int((c > 0).sum())) for c in gains.T]
        n_any_attribute += min(holm(p_values)) <= alpha
    assert n_overall / N_SIMULATIONS <= 0.06
    assert n_any_attribute / N_SIMULATIONS <= 0.06


def drawn(
    rng: np.random.Generator, n: int, n_attributes: int, share: float, known_share: float = 1.0
) -> tuple[Integers, Bools]:
    """Gains of two equally good models; images that are hard are so for every attribute."""
    hard = rng.random((n, 1)) < 0.3
    differs = rng.random((n, n_attributes)) < np.where(hard, 2 * share, share / 2)
    whose = np.where(
        rng.random((n, 1)) < 0.5,
        rng.choice([-1, 1], (n, 1)),  # one model errs in all attributes of this image
        rng.choice([-1, 1], (n, n_attributes)),
    )
    known: Bools = rng.random((n, n_attributes)) < known_share
    return np.where(known & differs, whose, 0), known
