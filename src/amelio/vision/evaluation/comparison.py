"""Champion against challenger on the same test images: how much, how sure, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

import numpy as np

from amelio.errors import InputError
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Side
from amelio.vision.evaluation.answers import Answers
from amelio.vision.evaluation.metrics import Integers
from amelio.vision.evaluation.statistics import (
    Bools,
    Interval,
    holm,
    mcnemar_exact,
    paired_bootstrap,
    sign_flip,
    smallest_alpha,
)
from amelio.vision.params import CompareParams


class Verdict(StrEnum):
    """What the challenger is, seen from the reference."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Difference:
    """Two accuracies on the same images; shares between 0 and 1.

    interval: of challenger - reference
    p_value: as tested; p_corrected: by Holm, over the attributes
    is_shown: it is more than chance, by test and interval
    """

    n_images: int
    reference_accuracy: float
    challenger_accuracy: float
    interval: Interval
    p_value: float
    p_corrected: float
    is_shown: bool
    verdict: Verdict

    @property
    def difference(self) -> float:
        """Challenger minus reference."""
        return self.challenger_accuracy - self.reference_accuracy


@dataclass(frozen=True)
class Comparison:
    """A challenger beside a reference.

    overall: of the mean accuracy over `attributes`, those that both know and test images show
    left_out: attributes of the data that could not be compared
    """

    reference: str
    challenger: str
    overall: Difference
    attributes: dict[str, Difference]
    left_out: tuple[str, ...]
    params: CompareParams


@dataclass(frozen=True)
class _Pairs:
    """Right answers of both, for N test images and A attributes; all (N, A)."""

    known: Bools
    reference: Bools
    challenger: Bools

    @property
    def gains(self) -> Integers:
        """1 where only the challenger is right, -1 where only the reference is, else 0."""
        gains = self.challenger.astype(np.int64) - self.reference.astype(np.int64)
        return np.where(self.known, gains, 0)


def compare(
    reference: Answers, challenger: Answers, data: PreparedData, params: CompareParams
) -> Comparison:
    """Compare two contestants' answers for the test images of `data`.

    A difference counts when it is at least `min_effect`, its test is significant and its interval
    excludes zero. Per attribute McNemar's exact test with Holm's correction; overall, where an
    image has several answers, the sign-flip test. One seed: equal answers give equal figures.

    Raises InputError when no attribute can be compared.
    """
    names, pairs = _pairs(reference, challenger, data)
    rng = np.random.default_rng(params.seed)
    intervals, overall = paired_bootstrap(
        pairs.gains, pairs.known, params.confidence, params.n_resamples, rng
    )
    attributes = _attributes(names, pairs, intervals, params)
    each = attributes.values()
    scores = (pairs.gains / pairs.known.sum(axis=0)).sum(axis=1)
    p_value = sign_flip(scores, params.n_resamples, rng)
    return Comparison(
        reference=reference.name,
        challenger=challenger.name,
        overall=_difference(
            int(pairs.known.any(axis=1).sum()),
            fmean(difference.reference_accuracy for difference in each),
            fmean(difference.challenger_accuracy for difference in each),
            _Evidence(overall, p_value, p_value),
            params,
        ),
        attributes=attributes,
        left_out=tuple(a.name for a in data.attributes if a.name not in names),
        params=params,
    )


def accuracies(answers: Answers, data: PreparedData) -> dict[str, float]:
    """Share of right answers for each attribute that the contestant knows and test images show."""
    labels = data.on(Side.TEST)[1].numpy()
    found = {}
    for column, attribute in enumerate(data.attributes):
        known = labels[:, column] >= 0
        if attribute.name in answers.predicted and known.any():
            right = answers.predicted[attribute.name][known] == labels[known, column]
            found[attribute.name] = float(right.mean())
    return found


def in_words(comparison: Comparison) -> str:
    """The overall verdict as a sentence."""
    overall, least = comparison.overall, comparison.params.min_effect
    figures = _points(overall, comparison.params.confidence)
    names = f"{comparison.challenger} is {{}} {comparison.reference}"
    if overall.verdict is not Verdict.EQUIVALENT:
        return f"{names.format(f'{overall.verdict} than')}: {figures}"
    inside = -least < overall.interval.low and overall.interval.high < least
    if inside or overall.is_shown:
        return f"{names.format('equivalent to')}: {figures}; from {100 * least:g} on it counts"
    return (
        f"{names.format('equivalent to')}, as far as {overall.n_images} test images tell: {figures}"
    )


def _points(difference: Difference, confidence: float) -> str:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return (
        f"{100 * difference.difference:+.1f} points ({100 * confidence:g} % CI {low:+.1f} … "
        f"{high:+.1f}), {difference.challenger_accuracy:.4f} against "
        f"{difference.reference_accuracy:.4f}"
    )


@dataclass(frozen=True)
class _Evidence:
    interval: Interval
    p_value: float
    p_corrected: float


def _attributes(
    names: Sequence[str], pairs: _Pairs, intervals: Sequence[Interval], params: CompareParams
) -> dict[str, Difference]:
    p_values = [
        mcnemar_exact(int((column < 0).sum()), int((column > 0).sum())) for column in pairs.gains.T
    ]
    evidence = [_Evidence(*each) for each in zip(intervals, p_values, holm(p_values), strict=True)]
    found = {}
    for place, name in enumerate(names):
        known = pairs.known[:, place]
        found[name] = _difference(
            int(known.sum()),
            float(pairs.reference[known, place].mean()),
            float(pairs.challenger[known, place].mean()),
            evidence[place],
            params,
        )
    return found


def _difference(
    n_images: int, reference: float, challenger: float, evidence: _Evidence, params: CompareParams
) -> Difference:
    gain = challenger - reference
    is_shown = (
        evidence.p_corrected <= smallest_alpha(params.confidence)
        and evidence.interval.excludes_zero()
    )
    verdict = Verdict.EQUIVALENT
    if is_shown and abs(gain) >= params.min_effect:
        verdict = Verdict.BETTER if gain > 0 else Verdict.WORSE
    return Difference(
        n_images,
        reference,
        challenger,
        evidence.interval,
        evidence.p_value,
        evidence.p_corrected,
        is_shown,
        verdict,
    )


def _pairs(
    reference: Answers, challenger: Answers, data: PreparedData
) -> tuple[Sequence[str], _Pairs]:
    labels = data.on(Side.TEST)[1].numpy()
    columns = {
        attribute.name: labels[:, column]
        for column, attribute in enumerate(data.attributes)
        if attribute.name in reference.predicted
        and attribute.name in challenger.predicted
        and (labels[:, column] >= 0).any()
    }
    if not columns:
        raise InputError(
            f"{reference.name} and {challenger.name} share no attribute that a test image shows",
            hint="annotate more images, or raise evaluate.test_size in params.yaml",
        )
    truth = np.stack(list(columns.values()), axis=1)

    def right(answers: Answers) -> Bools:
        given = np.stack([answers.predicted[name] for name in columns], axis=1)
        result: Bools = given == truth
        return result

    return list(columns), _Pairs(truth >= 0, right(reference), right(challenger))
