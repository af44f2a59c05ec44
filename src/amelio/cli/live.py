"""The live table of a run in a terminal."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from amelio.cli.repro_view import event_lines, last_lines
from amelio.engine.events import Event, EventKind
from amelio.insight.wording import duration
from amelio.model import Outcome
from amelio.redaction import printable

SHOWN_ROWS = 20
RUNNING, BETWEEN_TRIES = "running", "tries again soon"


@dataclass(frozen=True)
class _Row:
    stage: str
    started: float
    expected_s: float | None
    log: Path | None
    state: str = RUNNING


class LiveView:
    """Lines for what has ended, and below them a table of what runs: state, time, expected rest,
    last line.
    """

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._n_stages = 0
        self._n_ended = 0
        self._live = Live(
            console=Console(), get_renderable=self._render, refresh_per_second=4, transient=True
        )
        self._live.start()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind is EventKind.PLANNED:
            self._n_stages = event.n_stages
        elif event.kind is EventKind.STARTED:
            self._rows[event.stage] = _Row(event.stage, event.time, event.expected_s, event.log)
            return
        elif event.kind is EventKind.ENDED:
            self._n_ended += 1
            self._rows.pop(event.stage, None)
        elif event.kind is EventKind.RETRY and event.stage in self._rows:
            self._rows[event.stage] = replace(self._rows[event.stage], state=BETWEEN_TRIES)
        for line in event_lines(event):
            style = "red" if event.result and event.result.outcome is Outcome.FAILED else ""
            self._live.console.print(printable(line), markup=False, highlight=False, style=style)

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _render(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, show_header=False, expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
        now = time.time()
        rows = list(self._rows.values())
        for row in rows[:SHOWN_ROWS]:
            passed_s = now - row.started
            left = ""
            if row.expected_s is not None:
                rest_s = row.expected_s - passed_s
                left = f"{duration(rest_s)} left" if rest_s > 0 else "longer than last time"
            last = last_lines(row.log, 1) if row.log else []
            stage, told = Text(printable(row.stage)), Text("".join(last))
            table.add_row(stage, row.state, duration(passed_s), left, told)
        more = f", {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
        n_running = sum(row.state == RUNNING for row in rows)
        state = f"{self._n_ended} of {self._n_stages} stages done, {n_running} running{more}"
        return Group(table, Spinner("dots", text=Text(state)))
