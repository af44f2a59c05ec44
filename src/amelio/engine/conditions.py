"""`when:`: whether a stage that has reasons to run is to run. (Filled in below.)"""

from collections.abc import Sequence
from dataclasses import dataclass

from amelio.model import Reason, Stage


@dataclass(frozen=True)
class Decision:
    """What a condition came to, and why in words."""

    is_true: bool
    reason: Reason
    message: str = ""


class Conditions:
    """No conditions."""

    def decide(self, stage: Stage, reasons: Sequence[Reason]) -> Decision | None:
        """The decision for a stage with reasons to run; None without a condition."""
        return None
