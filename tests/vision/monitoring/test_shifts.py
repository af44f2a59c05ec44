"""KS, chi-square and PSI: against scipy and by definition, and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from amelio.vision.evaluation.statistics import holm
from amelio.vision.monitoring.shifts import (
    detectable_ks,
    detectable_psi,
    psi,
    shift_of_classes,
    shift_of_numbers,
)


@pytest.mark.parametrize(("m", "n"), [(30, 12), (250, 90), (1500, 1000)])
def test_numbers_by_the_definition_and_scipys_exact_test(m: int, n: int) -> None:
    rng = np.random.default_rng(m)
    reference, lot = rng.normal(size=m), rng.normal(0.2, size=n)
    found = shift_of_numbers(reference, lot)
    places = np.concatenate([reference, lot])
    shares = [(sample[:, None] <= places).mean(axis=0) for sample in (reference, lot)]
    assert found.ks == pytest.approx(np.abs(shares[0] - shares[1]).max())
    exact = stats.ks_2samp(reference, lot, method="exact").pvalue
    assert found.p_value == pytest.approx(exact, rel=0.05)


def test_psi_by_hand() -> None:
    found = psi(np.array([50, 50]), np.array([80, 20]))
    p, q = 50.65 / 101, 80.65 / 101  # one image more, of which 0.65 are in the first class
    by_hand = (q - p) * math.log(q / p) + ((1 - q) - (1 - p)) * math.log((1 - q) / (1 - p))
    assert found == pytest.approx(by_hand)
    assert psi(np.array([30, 70]), np.array([3, 7])) == pytest.approx(0, abs=1e-12)
    assert psi(np.array([0, 10]), np.array([10, 0])) < math.inf


def test_psi_of_numbers_uses_deciles_of_the_reference() -> None:
    reference = np.arange(1000.0)
    assert shift_of_numbers(reference, reference).psi == pytest.approx(0, abs=1e-3)
    upper_half = reference[500:]
    expected = psi(np.full(10, 100), np.array([0] * 5 + [100] * 5))
    assert shift_of_numbers(reference, upper_half).psi == pytest.approx(expected, rel=0.01)


def test_classes_by_scipys_contingency_table() -> None:
    reference, lot = np.array([60, 100, 90]), np.array([30, 20, 50])
    found = shift_of_classes(reference, lot)
    expected = stats.chi2_contingency([reference, lot], correction=False).pvalue
    assert found.p_value == pytest.approx(expected)
    assert found.ks is None


def test_rare_classes_are_taken_together() -> None:
    common = shift_of_classes(np.array([100, 100, 1, 0, 2]), np.array([30, 70, 0, 0, 1]))
    merged = stats.chi2_contingency([[103, 100], [31, 70]], correction=False).pvalue
    assert common.p_value == pytest.approx(merged)
    assert shift_of_classes(np.array([100, 1]), np.array([3, 0])).p_value == 1  # nothing to test


@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_values_that_are_all_equal(constant: float) -> None:
    same = shift_of_numbers(np.full(50, constant), np.full(20, constant))
    assert (same.ks, same.p_value) == (0, 1)
    assert same.psi == pytest.approx(0, abs=1e-12)
    assert shift_of_numbers(np.full(50, 0.0), np.full(20, 1.0)).ks == 1


def test_a_far_shift_gives_a_p_value_and_no_warning() -> None:
    rng = np.random.default_rng(0)
    for n in (50, 600, 1000, 3000):
        found = shift_of_numbers(rng.normal(size=n), rng.normal(9, size=n))
        assert 0 <= found.p_value < 1e-20


def test_the_ks_distance_that_can_be_seen_is_where_the_test_becomes_significant() -> None:
    m, n, alpha = 250, 90, 4e-5
    least = detectable_ks(m, n, alpha)
    reference = np.arange(m) / m

    def p_value(distance: float) -> float:
        lot = distance + np.arange(n) / n * (1 - distance)
        return shift_of_numbers(reference, lot).p_value

    assert p_value(least + 0.03) < alpha < p_value(least - 0.03)
    assert detectable_ks(250, 1, alpha) == 1


def test_the_psi_that_can_be_seen_is_where_chi_square_becomes_significant() -> None:
    reference, alpha = np.array([120, 130]), 1e-3
    least = detectable_psi(250, 100, 2, alpha)
    for n in range(48, 100):
        lot = np.array([n, 100 - n])
        found = shift_of_classes(reference, lot)
        if abs(found.psi / least - 1) > 0.15:
            assert (found.psi > least) == (found.p_value < alpha)
    assert detectable_psi(250, 100, 1, alpha) == math.inf


def test_false_alarms_are_as_rare_as_promised() -> None:
    """15 traits of 200 lots like the reference: at 5 %, at most 5 % of the lots are reported."""
    rng = np.random.default_rng(1)
    n_alarms = 0
    for _ in range(200):
        p_values = [
            shift_of_numbers(rng.normal(size=250), rng.normal(size=90)).p_value for _ in range(10)
        ]
        for n_classes in (2, 2, 2, 5, 3):
            shares = rng.dirichlet(np.full(n_classes, 2))
            before, after = rng.multinomial(250, shares), rng.multinomial(90, shares)
            p_values.append(shift_of_classes(before, after).p_value)
        n_alarms += min(holm(p_values)) <= 0.05
    assert n_alarms <= stats.binom.isf(1e-4, 200, 0.05)
    assert n_alarms >= 1  # a test that never alarms is none


def test_rare_classes_do_not_give_false_alarms_far_out() -> None:
    """Where the correction looks: the chi-square tail at 1/1000, with few images of a class."""
    rng = np.random.default_rng(2)
    shares = np.array([0.02, 0.08, 0.3, 0.6])
    n_draws = 4000
    n_alarms = sum(
        shift_of_classes(rng.multinomial(250, shares), rng.multinomial(60, shares)).p_value <= 0.001
        for _ in range(n_draws)
    )
    assert n_alarms <= 3 * n_draws * 0.001
