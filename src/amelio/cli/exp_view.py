"""How experiments look while they run, and when they have ended."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from amelio.cli.repro_view import print_line
from amelio.errors import AmelioError
from amelio.experiments.entry import OVER, WAITS, Experiment, Status
from amelio.experiments.home import Home
from amelio.insight.wording import duration

SHOWN_ROWS = 25
LINES_AROUND = 3  # the header, the counts, the cursor's
WIDEST = 24
PADDING = 2
NAME, VALUES, STAGE = 0, 1, 3  # columns
NARROWEST = 10
_WORDS = {
    Status.QUEUED: "queued",
    Status.RUNNING: "running",
    Status.DONE: "done",
    Status.FAILED: "failed",
    Status.STOPPED: "stopped",
}


class ExperimentsView(Protocol):
    """Shows experiments as they are now."""

    def show(self, experiments: Sequence[Experiment]) -> None:
        """Called several times a second."""

    def close(self) -> None:
        """The last state was shown."""


def open_view(home: Home, quiet: bool) -> ExperimentsView:
    """A live table in a terminal, else a line for everything that happens."""
    if quiet:
        return _NoView()
    if sys.stdout.isatty():
        return LiveTable(shown_metric(home.root))
    return PlainLines(shown_metric(home.root))


class _NoView:
    def show(self, experiments: Sequence[Experiment]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainLines:
    """A line for each start, each wait and each end."""

    def __init__(self, metric: str | None) -> None:
        self._metric = metric
        self._seen: dict[int, tuple[Status, int]] = {}
        self._waits: set[tuple[int, int, str]] = set()  # its stages may wait by turns

    def show(self, experiments: Sequence[Experiment]) -> None:
        """Print what changed."""
        for found in experiments:
            now = (found.status, found.tries)
            if self._seen.get(found.id) != now:
                self._seen[found.id] = now
                self._tell(found)
            wait = (found.id, found.tries, found.stage)
            if found.is_waiting and wait not in self._waits:
                self._waits.add(wait)
                print_line(f"[{found.name}] {found.stage}")

    def _tell(self, found: Experiment) -> None:
        if found.status is Status.RUNNING:
            again = f" (try {found.tries})" if found.tries > 1 else ""
            print_line(f"[{found.name}] starts{again}: {found.order.values or 'as it is'}")
        elif found.status in OVER:
            print_line(end_line(found, self._metric))

    def close(self) -> None:
        """Nothing to end."""


class LiveTable:
    """All experiments of the run: what runs, then what has ended, the latest first, then what
    waits: of that the line with the counts tells when there is no room.
    """

    def __init__(self, metric: str | None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._metric = metric
        self._experiments: Sequence[Experiment] = ()
        self._console = Console()
        self._live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True
        )
        self._live.start()

    def show(self, experiments: Sequence[Experiment]) -> None:
        """Take the new state; the table is drawn four times a second."""
        self._experiments = experiments

    def close(self) -> None:
        """Leave the whole table as it is at the end."""
        self._live.stop()
        self._console.print(table(self._experiments, self._metric, self._console.width))

    def _render(self) -> Any:
        width, height = self._console.size
        n_rows = max(1, min(SHOWN_ROWS, height - LINES_AROUND))
        return table(self._experiments, self._metric, width, n_rows)


def table(
    experiments: Sequence[Experiment], metric: str | None, width: int, n_rows: int | None = None
) -> Any:
    """What is going on, as a table of this width; the values give way when it is narrow."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    order = {Status.RUNNING: 0, Status.QUEUED: 2}
    rows = sorted(experiments, key=lambda e: (order.get(e.status, 1), -(e.ended or 0), e.id))
    numbers = [e.metrics or live_metrics(e) for e in rows[:n_rows]]
    metric = metric or next(filter(None, map(headline, numbers)), None)
    names, values = _values(rows)
    title = _short(metric).rpartition(".")[2] or "metric"
    titles = ("experiment", names, "state", "stage", "time", title)
    cells = [
        (e.name, value, _state(e), _stage(e), _time(e), _number(found, metric))
        for e, value, found in zip(rows, values, numbers, strict=False)
    ]
    widths = _widths([titles, *cells], width)
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for title, most in zip(titles, widths, strict=True):
        drawn.add_column(title, no_wrap=True, overflow="ellipsis", max_width=most)
    styles = {Status.FAILED: "red", Status.DONE: "green", Status.QUEUED: "dim"}
    for found, (name, *others) in zip(rows[:n_rows], cells, strict=True):
        row = map(Text, (_middle_cut(name, widths[NAME]), *others))
        drawn.add_row(*row, style=styles.get(found.status, ""))
    counts = [
        f"{n} {_WORDS[status]}"
        for status in Status
        if (n := sum(found.status is status for found in experiments))
    ]
    return Group(drawn, Text(", ".join(counts), style="dim"))


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Of the columns; in a narrow terminal the stages give way to the values, then these do. Long
    names have the room that is left.
    """
    longest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths = [min(WIDEST, length) for length in longest]
    room = width - sum(widths) - PADDING * len(widths)
    given = max(0, min(longest[VALUES] - widths[VALUES] - room, widths[STAGE] - NARROWEST))
    widths[STAGE] -= given
    wanted = min(longest[VALUES], widths[VALUES] + room + given)
    rest = room + given - (wanted - widths[VALUES])
    widths[VALUES] = max(NARROWEST, wanted)
    widths[NAME] += max(0, min(longest[NAME] - widths[NAME], rest))
    return widths


def end_line(found: Experiment, metric: str | None) -> str:
    """One experiment that is over, in a line (or more, when it failed)."""
    took = f" in {_time(found)}" if found.started and found.ended else ""
    if found.status is Status.FAILED:
        message = found.message.replace("\n", "\n  ")
        return f"[{found.name}] failed{took}: {message}"
    metric = metric or headline(found.metrics)
    number = _number(found.metrics, metric)
    return f"[{found.name}] {found.status}{took}" + (
        f": {_short(metric)} {number}" if number else ""
    )


def end_lines(experiments: Sequence[Experiment], *, names_failures: bool) -> Iterator[str]:
    """How a run of the queue went, and what one can do now.

    names_failures: with each failure's message, as the live table has no place for them
    """
    if names_failures:
        yield from (end_line(e, None) for e in experiments if e.status is Status.FAILED)
    counts = {status: sum(e.status is status for e in experiments) for status in Status}
    told = [f"{n} {_WORDS[status]}" for status, n in counts.items() if n]
    yield f"experiments: {', '.join(told) or 'none'}"
    if counts[Status.FAILED]:
        yield "  `amelio exp logs NAME` shows why one failed, `amelio exp retry` tries again"
    if counts[Status.QUEUED]:
        yield "  what is queued goes on with `amelio exp run --run-all`"
    if counts[Status.DONE]:
        yield "  compare with `amelio exp show`, take one over with `amelio exp apply NAME`"


def shown_metric(root: Path) -> str | None:
    """The metric of the first quality rule that names one; None when there is no such rule."""
    from amelio.quality.rules import PARAMS, SETTINGS, load_quality

    try:
        rules = load_quality([root / PARAMS, root / SETTINGS]).rules
    except (AmelioError, OSError):
        return None
    return next((rule.metric for rule in (rules or {}).values() if rule.metric), None)


def _middle_cut(name: str, width: int) -> str:
    """Names of a grid differ at their end."""
    half = width // 2
    return name if len(name) <= width else f"{name[: width - half - 1]}…{name[-half:]}"


def _values(experiments: Sequence[Experiment]) -> tuple[str, list[str]]:
    """Title and cells of what they set: the names once, above, where all set the same ones.

    Of names their last parts, where those tell them apart.
    """
    pairs = [[v.partition("=") for v in e.order.values.split(" ") if v] for e in experiments]
    short = [[name.rpartition(".")[2] for name, _, _ in row] for row in pairs]
    first = short[0] if short else []
    if first and len(set(first)) == len(first) and all(names == first for names in short):
        return ", ".join(first), [", ".join(value for _, _, value in row) for row in pairs]
    return "values", [
        " ".join(f"{name}{sign}{v}" for name, (_, sign, v) in zip(names, row, strict=True))
        if len(set(names)) == len(names)
        else e.order.values
        for e, names, row in zip(experiments, short, pairs, strict=True)
    ]


def _stage(found: Experiment) -> str:
    return found.stage.replace(WAITS, ": ")


def _state(found: Experiment) -> str:
    if found.is_waiting:
        return "waits"
    again = f", try {found.tries}" if found.tries > 1 and found.status is Status.RUNNING else ""
    return f"{_WORDS[found.status]}{again}"


def _time(found: Experiment) -> str:
    if found.started is None or found.status is Status.QUEUED:
        return ""
    return duration(max(0.0, (found.ended or time.time()) - found.started))


def headline(metrics: Mapping[str, float]) -> str | None:
    """The first that is no whole number, as those count something; else the first."""
    broken = (name for name, value in metrics.items() if not value.is_integer())
    return next(broken, next(iter(metrics), None))


def _short(metric: str | None) -> str:
    return (metric or "").rpartition(":")[2]


def _number(metrics: Mapping[str, float], metric: str | None) -> str:
    value = metrics.get(metric) if metric else None
    return "" if value is None else f"{value:.4g}"


def live_metrics(found: Experiment) -> dict[str, float]:
    """What a running experiment's metrics files say, as far as it has written them itself."""
    numbers: dict[str, float] = {}
    if found.status is not Status.RUNNING or not found.tree:
        return numbers
    from amelio.actions.experiment_run import leaves

    for path, known_ns in found.metric_files.items():
        try:
            if path.suffix != ".json" or path.stat().st_mtime_ns == known_ns:
                continue
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        name = str(path.relative_to(found.tree)) if path.is_relative_to(found.tree) else path.name
        numbers.update({f"{name}:{key}": value for key, value in leaves(content)})
    return numbers
