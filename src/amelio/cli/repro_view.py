"""How a run looks: plain lines, a line of JSON for each event, and the summary at the end."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from amelio.actions.repro import ReproResult, idle_lines
from amelio.engine.events import Event, EventKind
from amelio.insight.wording import counted, duration, reason
from amelio.model import Outcome, Reason, ReasonKind, RunResult, StageResult
from amelio.redaction import one_line, printable, redacted

TAIL_LINES = 15
FEW = 3
MANY = 1000
LONGEST = 300  # characters of a warning
WARNINGS = ("warning:", "⚠", "❌")
POLL_S = 0.1
_QUIET = (Outcome.UP_TO_DATE, Outcome.NOT_REACHED)


class PlainView:
    """A line for each thing that happens. `verbose`: the stages' output too, each line with its
    stage.
    """

    def __init__(self, verbose: bool, print_line: Callable[[str], None]) -> None:
        self._verbose = verbose
        self._print = print_line
        self._tailers: dict[str, Tailer] = {}

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind is EventKind.ENDED and event.stage in self._tailers:
            self._tailers.pop(event.stage).close()
        for line in event_lines(event, self._verbose):
            self._print(line)
        if self._verbose and event.kind is EventKind.STARTED and event.log:
            stage = event.stage
            self._tailers[stage] = Tailer(event.log, lambda line: self._print(f"[{stage}] {line}"))

    def close(self) -> None:
        """End what still reads logs."""
        for tailer in self._tailers.values():
            tailer.close()


class JsonView:
    """Every event as one line of JSON."""

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self._print = print_line

    def __call__(self, event: Event) -> None:
        """Show an event."""
        raw = {name: value for name, value in asdict(event).items() if value not in ("", (), None)}
        self._print(json.dumps(raw, default=str))

    def close(self) -> None:
        """Nothing to end."""


class Tailer:
    """Follows a growing log in a thread of its own."""

    def __init__(self, log: Path, show: Callable[[str], None]) -> None:
        self._log = log
        self._show = show
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Show what is still missing, and end."""
        self._is_closing.set()
        self._thread.join()

    def _follow(self) -> None:
        position = 0
        while True:
            is_last = self._is_closing.wait(POLL_S)
            if self._log.exists():
                with self._log.open("rb") as file:
                    file.seek(position)
                    chunk = file.read()
                whole = chunk if is_last else chunk[: chunk.rfind(b"\n") + 1]
                position += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    self._show(redacted(line))
            if is_last:
                return


def event_lines(event: Event, verbose: bool = False) -> Iterator[str]:
    """An event in words; nothing for what nobody waits for."""
    name = event.stage
    if event.kind is EventKind.STARTED:
        yield f"[{name}] starts: {'; '.join(map(reason, _brief(event.reasons)))}"
        if verbose:
            yield from (f"[{name}] > {command}" for command in event.commands)
    elif event.kind is EventKind.ENDED and event.result:
        yield from _end_lines(event.result, verbose)
    elif event.message:
        yield f"[{name}] {event.message}" if name else event.message


def _brief(reasons: Sequence[Reason]) -> Iterator[Reason]:
    """Of conditions only the values, and nothing where a stage never ran: `why` tells all."""
    is_new = any(found.kind is ReasonKind.NEVER_RAN for found in reasons)
    for found in reasons:
        if found.kind is not ReasonKind.CONDITION:
            yield found
        elif not is_new:
            yield replace(found, what="")


def _end_lines(result: StageResult, verbose: bool) -> Iterator[str]:
    if result.outcome in _QUIET and not verbose:
        return
    took = f" in {duration(result.usage.wall_s)}" if result.usage else ""
    message = f": {result.message}" if result.message else ""
    yield f"[{result.name}] {result.outcome}{took}{message}"
    if result.outcome is Outcome.RAN and result.log and not verbose:
        yield from (f"[{result.name}] {line}" for line in _warnings(result.log, result.name))


def _warnings(log: Path, stage: str) -> Iterator[str]:
    """The first few of a log's end, each with the first indented lines below it."""
    n, n_below = 0, FEW
    for line in last_lines(log, MANY):
        if line.startswith(WARNINGS):
            n, n_below = n + 1, 0
        elif line.startswith("  ") and n_below < FEW:
            n_below += 1
        else:
            n_below = FEW
            continue
        if n <= FEW:
            yield ("  " if n_below else "") + one_line(line, LONGEST)
    if n > FEW:
        yield f"{counted(n - FEW, 'more warning')}: `amelio logs {stage}`"


def summary_lines(result: ReproResult) -> Iterator[str]:
    """What became of the stages, what was saved, and why what failed failed."""
    run = result.run
    counts = {outcome: len(run.with_outcome(outcome)) for outcome in Outcome}
    told = [f"{n} {outcome}{_named(run, outcome)}" for outcome, n in counts.items() if n]
    idle = (Outcome.UP_TO_DATE, Outcome.SKIPPED)
    if not result.exit_code and all(stage.outcome in idle for stage in run.stages):
        yield from idle_lines(run)
        return
    yield f"{', '.join(told) or 'nothing done'} in {duration(run.ended - run.started)}{_saved(run)}"
    for stage in run.with_outcome(Outcome.FAILED, Outcome.INTERRUPTED):
        yield f"{stage.name} {stage.outcome}: {stage.message}"
        if stage.log:
            yield from (f"  | {line}" for line in last_lines(stage.log))
            yield f"  whole output: {_relative(stage.log)}"
    if result.trouble:
        yield str(result.trouble)


def _named(run: RunResult, outcome: Outcome) -> str:
    """Stages of which no line told, as long as they are few."""
    names = [stage.name for stage in run.with_outcome(outcome)] if outcome in _QUIET else []
    return f" ({', '.join(names)})" if 0 < len(names) <= FEW else ""


def last_lines(log: Path, n: int = TAIL_LINES) -> list[str]:
    """The end of a log, without control characters and secrets."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in map(redacted, lines) if line.strip()][-n:]


def _saved(run: RunResult) -> str:
    restored_s = sum(stage.saved_s for stage in run.with_outcome(Outcome.RESTORED))
    busy_s = sum(stage.usage.wall_s for stage in run.stages if stage.usage and not stage.is_resumed)
    parallel_s = busy_s - (run.ended - run.started)
    saved = []
    if restored_s > 0:
        saved.append(f"{duration(restored_s)} by the run cache")
    if parallel_s > 0:
        saved.append(f"{duration(parallel_s)} by running in parallel")
    return f"; saved {' and '.join(saved)}" if saved else ""


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def print_line(line: str) -> None:
    """To stdout, at once; a stage's output, name or parameter cannot command the terminal."""
    print(printable(line), file=sys.stdout, flush=True)
