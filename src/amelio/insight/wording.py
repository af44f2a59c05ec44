"""The one place that puts durations, sizes and reasons into words."""

from amelio.model import Reason, ReasonKind

_ARROW_KINDS = (ReasonKind.COMMAND, ReasonKind.PARAMETER)
_LONGEST = 120


def duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `3 min 05 s` or `2 h 07 min`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def size(n_bytes: float) -> str:
    """`512 B`, `1.5 MB`: powers of 1000, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


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
