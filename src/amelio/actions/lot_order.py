"""The order in which people expect lots: s2 before s10."""

import re
from collections.abc import Iterable


def in_order(lots: Iterable[str]) -> list[str]:
    """`lots` in natural order: numbers by value, the rest by letter."""
    return sorted(lots, key=_natural)


def _natural(lot: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", lot)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
