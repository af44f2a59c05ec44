"""The colour and the word of what became of a stage."""

from amelio.model import Outcome

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
