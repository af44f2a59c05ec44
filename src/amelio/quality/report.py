"""Verdicts as Markdown and as records for JSON; pure."""

from collections.abc import Sequence
from typing import Any

from amelio.errors import AmelioError
from amelio.quality.rules import OnAlert
from amelio.quality.verdicts import Status, Verdict, number_text, worst
from amelio.redaction import one_line

SIGNS = {Status.OK: "✅", Status.WARNING: "⚠️", Status.ALERT: "❌"}
COLUMNS = ("Rule", "Verdict", "Value", "Limit", "Why", "Source")


def headline(verdicts: Sequence[Verdict], on_alert: OnAlert) -> str:
    """One sentence: how it came out, and what follows from it."""
    status = worst(verdicts)
    bad = ", ".join(each.rule for each in verdicts if each.status is status)
    if status is Status.OK:
        return f"All {len(verdicts)} rules hold." if len(verdicts) > 1 else "The rule holds."
    if status is Status.WARNING:
        return f"Warning: {bad}. The gate is passed."
    follows = "The gate is passed, since quality.on_alert is warn."
    return f"Alert: {bad}. {'The gate is shut.' if on_alert is OnAlert.FAIL else follows}"


def cells(verdict: Verdict) -> tuple[str, ...]:
    """The columns of one verdict, as text on one line each."""
    texts = (
        verdict.rule,
        verdict.status.value,
        number_text(verdict.value),
        verdict.limit,
        verdict.message,
        verdict.source,
    )
    return tuple(one_line(text) for text in texts)


def markdown(verdicts: Sequence[Verdict], on_alert: OnAlert) -> str:
    """A page with the headline and a table; the same bytes for the same verdicts."""
    sign = SIGNS[worst(verdicts)]
    rows = [" | ".join(map(escaped, cells(verdict))) for verdict in verdicts]
    lines = [
        "# Quality",
        "",
        f"{sign} {escaped(one_line(headline(verdicts, on_alert)))}",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {row} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def not_judged(title: str, error: AmelioError) -> str:
    """The page where nothing could be judged: an older one would say that all is well."""
    return f"# {title}\n\n{SIGNS[Status.ALERT]} Nothing was judged: {escaped(str(error))}\n"


def records(verdicts: Sequence[Verdict], on_alert: OnAlert) -> dict[str, Any]:
    """What `amelio check --json` prints."""
    rules = [
        {
            "rule": one_line(verdict.rule),
            "verdict": verdict.status.value,
            "value": one_line(verdict.value) if isinstance(verdict.value, str) else verdict.value,
            "limit": verdict.limit,
            "message": one_line(verdict.message),
            "source": one_line(verdict.source),
        }
        for verdict in verdicts
    ]
    return {"verdict": worst(verdicts).value, "on_alert": on_alert.value, "rules": rules}


def escaped(text: str) -> str:
    """Text that Markdown and the HTML in it leave alone."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\")
    return "".join(f"\\{sign}" if sign in "|`*[]" else sign for sign in text)
