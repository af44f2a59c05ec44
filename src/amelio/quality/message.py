"""The text of an alert: what is wrong, where the repository stands, what changed since all was
well."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amelio.quality.delivery import Kind, Message
from amelio.quality.state import GoodRun
from amelio.quality.verdicts import Status, Verdict, number_text, worst
from amelio.redaction import one_line, redacted

MAX_LINES = 15  # of each list; a message is read on a telephone
_KINDS = {Status.OK: Kind.SUCCESS, Status.WARNING: Kind.WARNING, Status.ALERT: Kind.FAILURE}


@dataclass(frozen=True)
class Surroundings:
    """What a message says besides the verdicts.

    project: its folder's name; revision: the commit and its subject, in words
    uncommitted: tracked files that differ from it
    good: the last run without an alert; commits, files: what changed since, newest first
    params: today's, flat
    """

    project: str
    revision: str
    uncommitted: Sequence[str]
    good: GoodRun | None
    commits: Sequence[str]
    files: Sequence[str]
    params: Mapping[str, str]


def compose(
    verdicts: Sequence[Verdict], around: Surroundings, secrets: Iterable[str] = ()
) -> Message:
    """The message for these verdicts, without secrets and control codes."""
    status = worst(verdicts)
    bad = [verdict for verdict in verdicts if verdict.status is not Status.OK]
    what = ", ".join(verdict.rule for verdict in bad) or "all rules hold again"
    title = one_line(redacted(f"[{around.project}] {status.value}: {what}", secrets), 120)
    lines = [line for verdict in bad or verdicts for line in _verdict_lines(verdict)]
    lines += ["", f"Revision: {around.revision}"]
    lines += _listed("Uncommitted changes:", around.uncommitted)
    lines += _since_good(verdicts, around)
    return Message(_KINDS[status], title, redacted("\n".join(lines), secrets))


def _verdict_lines(verdict: Verdict) -> list[str]:
    return [
        f"{verdict.status.value}: {verdict.rule}: {one_line(verdict.message)}",
        f"  value: {one_line(number_text(verdict.value))}, {verdict.limit}",
        f"  source: {one_line(verdict.source)}",
    ]


def _since_good(verdicts: Sequence[Verdict], around: Surroundings) -> list[str]:
    good = around.good
    if good is None:
        return ["", "No run without an alert is known here to compare with."]
    values = [
        f"{each.rule}: {number_text(good.values[each.rule])} → {number_text(each.value)}"
        for each in verdicts
        if each.rule in good.values and good.values[each.rule] != each.value
    ]
    params = [
        f"{name}: {good.params.get(name, '–')} → {around.params.get(name, '–')}"
        for name in sorted(good.params.keys() | around.params.keys())
        if good.params.get(name) != around.params.get(name)
    ]
    commit = f" ({good.commit[:7]})" if good.commit else ""
    lines = [
        *_listed("  Values:", values),
        *_listed("  Parameters:", params),
        *_listed("  Commits:", around.commits),
        *_listed("  Files:", around.files),
    ]
    known = lines or ["  neither parameters nor files in Git"]
    return ["", f"Changed since the last run without an alert{commit}:", *known]


def _listed(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    indent = " " * (len(title) - len(title.lstrip()) + 2)
    more = [f"{indent}… and {len(items) - MAX_LINES} more"] if len(items) > MAX_LINES else []
    return [title, *(f"{indent}{one_line(item)}" for item in items[:MAX_LINES]), *more]
