"""The last run as a Gantt chart (SVG); the critical path stands out."""

from collections.abc import Sequence

from markupsafe import Markup

from amelio.insight.wording import duration, size
from amelio.reports.facts import LastRun, RunSpan
from amelio.reports.outcomes import TONES
from amelio.reports.svg import element, text, title

MAX_SPANS = 60  # beyond, the shortest are left out
WIDTH = 900
NAME_WIDTH = 190
TIME_WIDTH = 84
ROW = 26
BAR = 14
AXIS = 24
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600)


def draw_timeline(run: LastRun) -> Markup | None:
    """The chart; None where no stage ran a command."""
    spans = longest(run.spans)
    if not spans:
        return None
    end = max(span.start + span.seconds for span in spans) or 1.0
    scale = (WIDTH - NAME_WIDTH - TIME_WIDTH) / end
    height = AXIS + ROW * len(spans) + 4
    rows = [_row(span, place, scale) for place, span in enumerate(spans)]
    return element(
        "svg",
        *_axis(end, scale, height),
        *rows,
        class_="timeline",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
        aria_label=f"When each of {len(spans)} stages ran",
    )


def longest(spans: Sequence[RunSpan]) -> list[RunSpan]:
    """At most `MAX_SPANS`, the longest, in the order of their start."""
    kept = sorted(spans, key=lambda span: -span.seconds)[:MAX_SPANS]
    return sorted(kept, key=lambda span: (span.start, span.name))


def _axis(end: float, scale: float, height: int) -> list[Markup]:
    step = next((each for each in _STEPS_S if end / each <= 6), end / 5)
    parts = []
    for n in range(int(end / step) + 1):
        x = NAME_WIDTH + n * step * scale
        label = "0" if n == 0 else _tick(n * step)
        parts.append(element("line", class_="grid", x1=x, x2=x, y1=AXIS - 6, y2=height))
        parts.append(text(label, class_="tick", x=x, y=12, text_anchor="middle"))
    return parts


def _tick(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def _row(span: RunSpan, place: int, scale: float) -> Markup:
    y = AXIS + place * ROW
    x = NAME_WIDTH + span.start * scale
    width = max(2.0, span.seconds * scale)
    told = f"{span.name}: {duration(span.seconds)}, from {duration(span.start)}; "
    told += f"{duration(span.cpu_s)} of CPU, {size(span.peak_bytes)} at most"
    critical = " critical" if span.is_critical else ""
    baseline = y + ROW / 2 + 4
    bar = element("rect", class_="bar", x=x, y=y + (ROW - BAR) / 2, width=width, height=BAR, rx=3)
    return element(
        "g",
        title(told),
        text(span.name, 25, class_="name", x=NAME_WIDTH - 10, y=baseline, text_anchor="end"),
        bar,
        text(duration(span.seconds), class_="detail", x=x + width + 6, y=baseline),
        class_=f"tone-{TONES[span.outcome]}{critical}",
    )
