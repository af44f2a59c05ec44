"""The reproducibility score: named checks with evidence, findings and the command that mends each.

docs/perf.md says what each means; a test holds the two together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_LOSS = 0.5  # of a check's points, lost with the first finding; the rest in proportion


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, and the command or edit that mends it."""

    text: str
    fix: str


@dataclass(frozen=True)
class Check:
    """One check's outcome.

    weight: its points out of the sum of all
    n_seen: things that were looked at; evidence: what was found, in words
    undecided: why it could not be decided; such a check does not count
    """

    name: str
    title: str
    weight: int
    n_seen: int
    evidence: str
    findings: tuple[Finding, ...] = ()
    undecided: str = ""

    @property
    def points(self) -> float:
        """Of `weight`; half of it is gone with the first finding."""
        if not self.findings:
            return float(self.weight)
        share = min(1.0, len(self.findings) / max(1, self.n_seen))
        return self.weight * (1 - FIRST_LOSS) * (1 - share)


@dataclass(frozen=True)
class Score:
    """All checks and what they come to."""

    checks: tuple[Check, ...]

    @property
    def value(self) -> int:
        """0 to 100, rounded down, so that no finding is rounded away."""
        decided = [check for check in self.checks if not check.undecided]
        total = sum(check.weight for check in decided)
        return math.floor(100 * sum(check.points for check in decided) / total) if total else 0

    @property
    def findings(self) -> tuple[tuple[Check, Finding], ...]:
        """Every finding with its check, the weightiest check first."""
        ordered: Sequence[Check] = sorted(self.checks, key=lambda c: c.points - c.weight)
        return tuple((check, finding) for check in ordered for finding in check.findings)
