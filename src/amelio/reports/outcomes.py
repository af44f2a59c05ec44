"""The colour and the words of what became of stages."""

from collections.abc import Sequence

from amelio.insight.wording import counted
from amelio.model import Outcome
from amelio.reports.facts import StageFact

MAX_NAMED = 5

TONES = {
    Outcome.RAN: "ran",
    Outcome.RESTORED: "saved",
    Outcome.PULLED: "saved",
    Outcome.UP_TO_DATE: "idle",
    Outcome.SKIPPED: "skipped",
    Outcome.FAILED: "failed",
    Outcome.NOT_REACHED: "stopped",
    Outcome.INTERRUPTED: "failed",
}


def failure_text(stages: Sequence[StageFact]) -> str:
    """Which stages failed when they last ran, and what is older for that; empty if none did."""
    failed = [each for each in stages if TONES.get(each.outcome or Outcome.RAN) == "failed"]
    if not failed:
        return ""
    told = [
        f"{each.name} {'failed' if each.outcome is Outcome.FAILED else 'was interrupted'}"
        + (f": {each.message}" if each.message else "")
        for each in failed[:MAX_NAMED]
    ]
    text = "; ".join(told) + (f"; and {len(failed) - len(told):,} more" * (len(failed) > len(told)))
    n_behind = sum(each.outcome is Outcome.NOT_REACHED for each in stages)
    if not n_behind:
        return f"{text}."
    was, their = ("was", "its") if n_behind == 1 else ("were", "their")
    behind = f"{counted(n_behind, 'stage')} {was} not reached; {their} results, if any, are older"
    return f"{text}. {behind}."
