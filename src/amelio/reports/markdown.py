"""`metrics_report.md`, `params_report.md`, `pipeline_graph.md`."""

import re
from collections.abc import Iterable, Sequence

from amelio.insight.wording import duration
from amelio.redaction import one_line
from amelio.reports.changes import Change, FileChanges, Kind, file_changes
from amelio.reports.facts import Mark, Origin, Report
from amelio.reports.mermaid import mermaid

MAX_ROWS = 20_000  # of one table
CODE_PIPE = "\\|"  # in a table, a pipe ends a cell even in code
_SIGNS = re.compile(r"[|`*\[\]\\$]|~(?=~)|(?<![^\W_])_|_(?![^\W_])")  # snake_case stays as it is
SIGNS = {Mark.GOOD: "✅", Mark.WARNING: "⚠️", Mark.BAD: "❌"}


def metrics_report(report: Report) -> str:
    """Every metric beside the baseline's."""
    files = file_changes(report.metrics, report.better)
    return _page("Metrics", report, files, "No metrics files yet: `metrics:` in dvc.yaml.")


def params_report(report: Report) -> str:
    """Every parameter beside the baseline's."""
    return _page("Parameters", report, file_changes(report.params), "No parameters.")


def pipeline_report(report: Report) -> str:
    """The drawing of the pipeline, and a table of its stages."""
    if not report.stages:
        return "# Pipeline\n\nNo stages in dvc.yaml yet.\n"
    names = {stage.id: stage.name for stage in report.stages}
    rows = [
        (
            code(stage.name),
            ", ".join(code(names[need]) for need in stage.needs if need in names),
            str(stage.outcome or ""),
            "" if stage.seconds is None else duration(stage.seconds),
        )
        for stage in report.stages
    ]
    stages = table(("Stage", "Needs", "Last run", "Time"), rows)
    return f"# Pipeline\n\n{mermaid(report.stages)}\n{stages}"


def against(origin: Origin) -> str:
    """One line: what is compared with what."""
    now = "the workspace"
    if origin.commit and not origin.uncommitted:
        now = f"{origin.commit[:7]} {origin.subject}"
    if not origin.baseline:
        return f"{escaped(now)}; there is nothing to compare with"
    base = f"{origin.baseline[:7]} {origin.baseline_subject} ({origin.baseline_why})"
    return f"{escaped(now)}, compared with {escaped(base)}"


def changes_table(rows: Sequence[Change]) -> str:
    """Changed values, with the direction and whether it is good."""
    return table(
        ("", "Before", "Now", "Change"),
        [(code(row.name), code(row.before), code(row.now), change_text(row)) for row in rows],
    )


def change_text(row: Change) -> str:
    """`+0.02 ↑ ✅`, `new`, `gone`, `changed`, or nothing."""
    if row.kind is Kind.SAME:
        return ""
    if row.kind is not Kind.CHANGED or row.is_up is None:
        return str(row.kind)
    sign = f" {SIGNS[row.mark]}" if row.mark else ""
    return f"{row.delta} {'↑' if row.is_up else '↓'}{sign}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are escaped already; long ones are cut, and it is said."""
    held = list(rows)
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    lines += [f"| {' | '.join(row)} |" for row in held[:MAX_ROWS]]
    if len(held) > MAX_ROWS:
        lines += ["", f"… and {len(held) - MAX_ROWS:,} more"]
    return "\n".join(lines) + "\n"


def code(value: str) -> str:
    """A value in code style; whatever it holds stays text."""
    line = one_line(value)
    if "`" in line:
        return f"<code>{escaped(line)}</code>"
    return f"`{line.replace('|', CODE_PIPE)}`" if line else ""


def escaped(value: str, max_length: int = 200) -> str:
    """Text that Markdown and the HTML in it leave alone, on one line."""
    line = one_line(value, max_length)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;")):
        line = line.replace(sign, entity)
    line = line.replace("://", "&#58;//").replace("www.", "www&#46;")  # no links from data
    return _SIGNS.sub(lambda found: f"&#{ord(found[0])};", line)


def _page(title: str, report: Report, files: Sequence[FileChanges], empty: str) -> str:
    parts = [f"# {title}\n", f"{against(report.origin)}.\n"]
    if not files:
        parts.append(f"{empty}\n")
    for each in files:
        parts.append(f"## {escaped(each.path)}\n")
        if each.problem:
            parts.append(f"⚠️ {escaped(each.problem)}\n")
        elif each.rows:
            parts.append(changes_table(each.rows))
        else:
            parts.append("No values.\n")
    return "\n".join(parts)
