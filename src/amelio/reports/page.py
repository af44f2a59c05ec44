"""`report.html`: one file that opens offline, loads nothing, and runs no script but its own."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from amelio.insight.wording import duration
from amelio.redaction import redacted
from amelio.reports import class_bars, experiment_view
from amelio.reports.changes import FileChanges, Kind, file_changes
from amelio.reports.facts import Chart, Mark, Page, Report
from amelio.reports.graph_drawing import draw_graph
from amelio.reports.highlights import highlights, judged_by, judged_first
from amelio.reports.outcomes import failure_text
from amelio.reports.specs import Rows, columns, drawable, with_equal_ends
from amelio.reports.timeline import draw_timeline
from amelio.reports.trees import Block, blocks

ASSETS = Path(__file__).parent / "assets"
N_SHOWN = 12  # changed values of a file; the others are folded away
MAX_ROWS = 300  # of one table; the Markdown reports have all
SCORE_MARKS = ((90, Mark.GOOD), (60, Mark.WARNING), (0, Mark.BAD))
WORDS = {Mark.GOOD: "ok", Mark.WARNING: "warning", Mark.BAD: "alert"}
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def html_page(report: Report) -> str:
    """The whole page."""
    metrics = judged_first(file_changes(report.metrics, report.better), judged_by(report.gate))
    params = file_changes(report.params)
    table = experiment_view.table_of(report.experiments) if report.experiments.rows else None
    specs = [chart for chart in report.charts if chart.spec is not None]
    scripts = [_script("vega.js"), _script("report.js")] if specs or table else []
    style = _asset("report.css")
    pages = [(f"page-{n}", page, blocks(page.content)) for n, page in enumerate(report.pages)]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            origin=report.origin,
            policy=_policy(style, scripts),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            data=Markup(_data(specs, table)),
            sections=_sections(report, metrics, params, pages, table),
            words=WORDS,
            score_mark=_score_mark(report),
            limit=MAX_ROWS,
            n_shown=N_SHOWN,
            metrics=metrics,
            params=params,
            n_params_changed=sum(len(each.changed) for each in params),
            highlights=highlights(metrics, judged_by(report.gate)),
            headline=_headline(report, metrics, params),
            failure=failure_text(report.stages),
            graph=draw_graph(report.stages),
            timeline=draw_timeline(report.run) if report.run else None,
            run_text=_run_text(report),
            chart_groups=_chart_groups(report.charts, specs),
            pages=pages,
            lots=[(lot, class_bars.bars(lot)) for lot in report.lots],
            table=table,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = lambda value: "–" if value is None else duration(value)
    environment.filters["figure"] = _figure
    return environment


def _figure(text: str) -> str:
    """A number short enough to stand large: four significant digits."""
    value = float(text)
    return text if value.is_integer() or len(text) <= 6 else f"{value:.4g}"


def _shown(value: Any) -> Any:
    """Every text that the template prints passes here, before it is escaped."""
    return redacted(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(style: str, scripts: Sequence[str]) -> Markup:
    allowed = " ".join(_source_hash(script) for script in scripts) or "'none'"
    rules = [
        "default-src 'none'",
        f"style-src {_source_hash(style)}",
        f"script-src {allowed}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return Markup("; ".join(rules))


def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    text = _asset(name)
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"{name} cannot stand inside a page")
    return text


def _data(charts: Iterable[Chart], table: "experiment_view.Table | None") -> str:
    drawn = [(drawable(chart.spec or {}, _states(chart), chart.rows), chart) for chart in charts]
    groups: dict[str, list[tuple[dict[str, Any], Rows]]] = {}
    for spec, chart in drawn:
        groups.setdefault(chart.group, []).append((spec, chart.rows))
    for group in groups.values():
        with_equal_ends(group)
    held = {
        "charts": [{"spec": spec, "columns": columns(chart.rows)} for spec, chart in drawn],
        "experiments": experiment_view.data_of(table) if table else None,
    }
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_UNSAFE)


def _score_mark(report: Report) -> Mark:
    value = report.score.value if report.score else 0
    return next(mark for limit, mark in SCORE_MARKS if value >= limit)


def _states(chart: Chart) -> int:
    """Of how many revisions the rows are."""
    return len({str(row.get("rev")) for row in chart.rows})


def _sections(
    report: Report,
    metrics: Sequence[FileChanges],
    params: Sequence[FileChanges],
    pages: Sequence[tuple[str, Page, tuple[Block, ...]]],
    table: object,
) -> list[tuple[str, str]]:
    return [
        ("summary", "Summary"),
        *([("metrics", "Metrics")] if metrics else []),
        *([("parameters", "Parameters")] if params else []),
        *([("pipeline", "Pipeline")] if report.stages else []),
        *([("run", "Last run")] if report.run else []),
        *([("plots", "Plots")] if report.charts else []),
        *((key, page.title) for key, page, _ in pages),
        *([("predictions", "Predictions")] if report.lots else []),
        *([("experiments", "Experiments")] if table else []),
        *([("reproducibility", "Reproducibility")] if report.score else []),
        *([("environment", "Environment")] if report.environment else []),
    ]


def _headline(report: Report, metrics: Sequence[FileChanges], params: Sequence[FileChanges]) -> str:
    """What changed, in one sentence."""
    if not metrics and not params and not report.stages:
        return "There are no stages, metrics or parameters here yet."
    if report.origin.baseline is None:
        return "There is no earlier commit to compare with."
    rows = [row for each in metrics for row in each.rows]
    good, bad = (sum(row.mark is mark for row in rows) for mark in (Mark.GOOD, Mark.BAD))
    judged = f": {good:,} better, {bad:,} worse" if good or bad else ""
    texts = []
    for noun, files in (("metric", metrics), ("parameter", params)):
        kinds = Counter(row.kind for each in files for row in each.rows)
        counts = [f"{kinds[kind]:,} {kind}" for kind in (Kind.CHANGED, Kind.NEW, Kind.GONE)]
        told = ", ".join(count for count in counts if not count.startswith("0 "))
        more = judged if noun == "metric" else ""
        texts.append(f"{noun.capitalize()}s: {told or 'none changed'}{more}.")
    return " ".join(texts)


def _run_text(report: Report) -> str:
    run = report.run
    if run is None:
        return ""
    jobs = "one stage at a time" if run.jobs == 1 else f"up to {run.jobs} stages at a time"
    text = f"{run.when}, took {duration(run.took)}, {jobs}."
    critical = [span for span in run.spans if span.is_critical]
    if critical:
        chain = " → ".join(span.name for span in sorted(critical, key=lambda span: span.start))
        waited = duration(sum(span.seconds for span in critical))
        text += f" The critical path (dark bars), {waited}: {chain}."
    if run.saved_s >= 1:
        text += f" What was up to date or restored saved {duration(run.saved_s)}."
    return text


def _chart_groups(
    charts: Sequence[Chart], specs: Sequence[Chart]
) -> list[tuple[str, list[tuple[int | None, Chart]]]]:
    """Charts by group, each with its place among those that are drawn."""
    place = {id(chart): number for number, chart in enumerate(specs)}
    groups: dict[str, list[tuple[int | None, Chart]]] = {}
    for chart in charts:
        groups.setdefault(chart.group, []).append((place.get(id(chart)), chart))
    return list(groups.items())
