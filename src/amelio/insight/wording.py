"""The one place that puts reasons into words; durations and sizes come from `quantities`."""

from amelio.model import Reason, ReasonKind
from amelio.quantities import duration, size

__all__ = ["counted", "duration", "reason", "size"]

_ARROW_KINDS = (ReasonKind.COMMAND, ReasonKind.PARAMETER)
_LONGEST = 120


def counted(number: int, noun: str) -> str:
    """`1 program`, `2 programs`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def reason(found: Reason) -> str:
    """One reason, with old → new where it has them."""
    if found.kind in _ARROW_KINDS and (found.old is not None or found.new is not None):
        old = _short(found.old) if found.old is not None else "(none)"
        new = _short(found.new) if found.new is not None else "(removed)"
        what = f" {found.what}" if found.what else ""
        return f"{found.kind}{what}: {old} → {new}"
    text = str(found.kind) + (f" {found.what}" if found.what else "")
    if found.kind is ReasonKind.CONDITION:
        return f"{text} is {found.new or 'undefined'}" + (f" ({found.note})" if found.note else "")
    if found.old and found.new:
        text += f": {found.old} → {found.new}"
    return f"{text} ({found.note})" if found.note else text


def _short(text: str) -> str:
    line = text.replace("\n", "; ")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
