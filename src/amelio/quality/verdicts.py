"""What a rule comes to, and all rules together."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a rule, or all of them, came out; in rising severity."""

    OK = "ok"
    WARNING = "warning"
    ALERT = "alert"


@dataclass(frozen=True)
class Verdict:
    """One rule's outcome.

    value: what was measured, None where there is nothing; limit: what it was held to, in words
    source: `file:key`, or the expression; message: the comparison or what is wrong, in words
    """

    rule: str
    status: Status
    value: float | int | str | None
    limit: str
    source: str
    message: str


def worst(verdicts: Iterable[Verdict]) -> Status:
    """The most severe status; OK of none."""
    order = list(Status)
    return max((verdict.status for verdict in verdicts), key=order.index, default=Status.OK)


def number_text(value: object) -> str:
    """A value as people read it: at most six significant digits; texts as they stand."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
