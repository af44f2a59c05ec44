"""How often each class was predicted, as one bar an attribute."""

from collections.abc import Mapping

from markupsafe import Markup

from amelio.reports.facts import LotPredictions
from amelio.reports.svg import element, title

MAX_ATTRIBUTES = 12
N_SERIES = 6
HEIGHT = 12
YES = frozenset({"1", "yes", "true"})
NO = frozenset({"0", "no", "false"})


def bars(lot: LotPredictions) -> list[tuple[str, Markup, str]]:
    """Attribute, bar, and its most frequent class with its share, in words."""
    return [
        (attribute, _bar(counts), _legend(counts))
        for attribute, counts in list(lot.classes.items())[:MAX_ATTRIBUTES]
        if counts
    ]


def share_bar(share: float) -> Markup:
    """One bar whose length is `share` (0 … 1) of the room."""
    bar = element("rect", class_="s1", width=f"{100 * share:.2f}%", height=HEIGHT, rx=3)
    return element("svg", bar, width="100%", height=HEIGHT)


def _bar(counts: Mapping[str, int]) -> Markup:
    total = sum(counts.values())
    yes = _yes(counts)
    if yes is not None:
        track = element("rect", class_="track", width="100%", height=HEIGHT)
        bar = element("rect", class_="s1", width=f"{100 * yes / total:.2f}%", height=HEIGHT)
        return element("svg", track, bar, width="100%", height=HEIGHT)
    parts, left = [], 0.0
    for place, (name, n) in enumerate(_ordered(counts)):
        width = 100 * n / total
        told = title(f"{name}: {n:,} ({n / total:.0%})")
        parts.append(
            element(
                "rect",
                told,
                class_=f"s{min(place, N_SERIES - 1) + 1}",
                x=f"{left:.2f}%",
                width=f"{width:.2f}%",
                height=HEIGHT,
            )
        )
        left += width
    return element("svg", *parts, width="100%", height=HEIGHT, class_="bars")


def _yes(counts: Mapping[str, int]) -> int | None:
    """How many have the attribute; None where its classes are not yes and no."""
    names = {name.lower() for name in counts}
    if not names <= YES | NO:
        return None
    return sum(n for name, n in counts.items() if name.lower() in YES)


def _legend(counts: Mapping[str, int]) -> str:
    yes = _yes(counts)
    if yes is not None:
        return f"{yes / sum(counts.values()):.0%}"
    name, n = max(counts.items(), key=lambda each: each[1])
    return f"{name} {n / sum(counts.values()):.0%}"


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The same order in every lot, so that colours mean the same."""
    return sorted(counts.items())
