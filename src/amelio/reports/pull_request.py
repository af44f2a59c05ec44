"""The report as a comment on a pull request: Markdown, at most as long as GitHub takes."""

from collections.abc import Callable, Sequence

from amelio.insight.wording import duration
from amelio.reports.changes import Change, FileChanges, file_changes
from amelio.reports.facts import Gate, Mark, Report
from amelio.reports.highlights import judged_by, judged_first
from amelio.reports.markdown import (
    SIGNS,
    against,
    changes_table,
    code,
    escaped,
    table,
)
from amelio.reports.mermaid import mermaid
from amelio.reports.outcomes import failure_text

MAX_BYTES = 64_000  # GitHub takes 65,536 characters
MARKER = "<!-- amelio report -->"
_MAX_CHANGES = 60
_CUT = "\n*More does not fit into a comment: see `reports/report.html`.*\n"


def pull_request_comment(report: Report) -> str:
    """Failures, gate, changed metrics and parameters, graph, run; the rest folded away.

    The first line lets a program find the comment again.
    """
    parts: list[Callable[[], str]] = [
        lambda: _failure(report),
        lambda: _gate(report.gate),
        lambda: _problems(report),
        lambda: _changes("Metrics", _metrics(report)),
        lambda: _changes("Parameters", file_changes(report.params)),
        lambda: _pipeline(report),
        lambda: _experiments(report),
    ]
    text = f"{MARKER}\n## Pipeline report\n\n{against(report.origin)}.\n"
    for part in parts:
        section = part()
        if len((text + section + _CUT).encode()) > MAX_BYTES:
            text += _CUT
            break
        text += section
    return text


def _failure(report: Report) -> str:
    text = failure_text(report.stages)
    return f"\n### {SIGNS[Mark.BAD]} {escaped(text, 400)}\n" if text else ""


def _gate(gate: Gate | None) -> str:
    if gate is None:
        return ""
    rows = [
        (
            SIGNS[rule.mark],
            code(rule.rule),
            code(rule.value),
            escaped(rule.why),
            escaped(rule.limit),
        )
        for rule in gate.rules
    ]
    held = table(("", "Rule", "Value", "Why", "Limit"), rows)
    return f"\n### {SIGNS[gate.mark]} {escaped(gate.headline)}\n\n{_folded('The rules', held)}"


def _problems(report: Report) -> str:
    lines = [f"- ❌ {escaped(problem)}" for problem in (*report.problems, *report.failures)[:20]]
    lines += [f"- {escaped(notice)}" for notice in report.notices[:20]]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _metrics(report: Report) -> tuple[FileChanges, ...]:
    return judged_first(file_changes(report.metrics, report.better), judged_by(report.gate))


def _changes(title: str, files: Sequence[FileChanges]) -> str:
    changed = [(each.path, row) for each in files for row in each.changed]
    n_same = sum(len(each.same) for each in files)
    if not changed:
        return f"\n### {title}\n\nNone of {n_same:,} changed.\n" if n_same else ""
    text = f"\n### {title}: {len(changed):,} of {len(changed) + n_same:,} changed\n"
    by_file: dict[str, list[Change]] = {}
    for path, row in changed[:_MAX_CHANGES]:
        by_file.setdefault(path, []).append(row)
    for path, rows in by_file.items():
        head, rest = rows[:8], rows[8:]
        text += f"\n{code(path)}\n\n{changes_table(head)}"
        if rest:
            text += "\n" + _folded(f"{len(rest)} more", changes_table(rest))
    if len(changed) > _MAX_CHANGES:
        text += f"\n… and {len(changed) - _MAX_CHANGES:,} more\n"
    return text


def _pipeline(report: Report) -> str:
    if not report.stages:
        return ""
    text = "\n### Pipeline\n\n" + mermaid(report.stages)
    run = report.run
    if run and run.spans:
        critical = [span for span in run.spans if span.is_critical]
        rows = [
            (code(span.name), duration(span.seconds), "critical path" if span.is_critical else "")
            for span in sorted(run.spans, key=lambda span: -span.seconds)[:40]
        ]
        took = f"The last run took {duration(run.took)}"
        if critical:
            took += (
                f", {duration(sum(span.seconds for span in critical))} of it on the critical path"
            )
        text += "\n" + _folded(f"{took}.", table(("Stage", "Time", ""), rows))
    return text


def _experiments(report: Report) -> str:
    held = report.experiments
    if not held.rows:
        return ""
    metric = held.metric
    rows = [
        (code(each.name), code(str(each.metrics.get(metric, ""))), code(each.created))
        for each in held.rows[:50]
    ]
    name = code(metric) if metric else ""
    return "\n" + _folded(
        f"{len(held.rows)} experiments", table(("Experiment", name, "Created"), rows)
    )


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary>\n\n{content}\n</details>\n"
