"""How strongly each parameter goes along with a metric, over all experiments."""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

from amelio.reports.changes import value_text

MIN_EXPERIMENTS = 5  # with fewer, chance alone gives strong relations


def importance(
    params: Sequence[Mapping[str, Any]], metric: Sequence[float | None]
) -> dict[str, float]:
    """Parameter → how strong, 0 … 1, the strongest first; only parameters that vary.

    Numbers: Spearman's rank correlation, without its sign. Texts: the correlation ratio of the
    metric's ranks over the groups. Each looks at one parameter alone.
    metric: one value an experiment; None: unknown, left out
    """
    held = [
        (side, value)
        for side, value in zip(params, metric, strict=True)
        if value is not None and isfinite(value)
    ]
    if len(held) < MIN_EXPERIMENTS:
        return {}
    outcome = _ranks([value for _, value in held])
    names = dict.fromkeys(name for side, _ in held for name in side)
    found = {}
    for name in names:
        values = [side.get(name) for side, _ in held]
        texts = [value_text(value) for value in values]
        if len(set(texts)) < 2 or (len(set(texts)) > len(texts) / 2 and not _are_numbers(values)):
            continue
        strength = (
            abs(
                _correlation(
                    _ranks([float(value) for value in values if value is not None]), outcome
                )
            )
            if _are_numbers(values)
            else _ratio(texts, outcome)
        )
        found[name] = round(strength, 4)
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        for value in values
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + end - 1) / 2
        start = end
    return ranks


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    mean_1, mean_2 = sum(first) / len(first), sum(second) / len(second)
    together = sum((a - mean_1) * (b - mean_2) for a, b in zip(first, second, strict=True))
    spread = sqrt(sum((a - mean_1) ** 2 for a in first) * sum((b - mean_2) ** 2 for b in second))
    return together / spread if spread else 0.0


def _ratio(groups: Sequence[str], outcome: Sequence[float]) -> float:
    """Square root of the share of variance that lies between the groups."""
    mean = sum(outcome) / len(outcome)
    total = sum((each - mean) ** 2 for each in outcome)
    members: dict[str, list[float]] = {}
    for group, each in zip(groups, outcome, strict=True):
        members.setdefault(group, []).append(each)
    between = sum(len(held) * (sum(held) / len(held) - mean) ** 2 for held in members.values())
    return sqrt(between / total) if total else 0.0
