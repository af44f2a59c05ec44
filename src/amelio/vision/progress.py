"""How far a long loop is: a bar on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(title: str, n_total: int, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Yield a function to call with how many more are done; all output goes to stderr."""
    begun = time.monotonic()
    n_done = 0
    if sys.stderr.isatty():
        with _bar(title, n_total) as advance:
            yield advance
        return
    last = begun

    def advance_line(n: int) -> None:
        nonlocal n_done, last
        n_done += n
        if time.monotonic() - last > _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(f"{title}: {n_done} of {n_total} {unit}", file=sys.stderr, flush=True)

    yield advance_line
    seconds = max(time.monotonic() - begun, 1e-9)
    rate = f" ({n_done / seconds:.0f}/s)" if n_done > seconds else ""
    print(f"{title}: {n_done} {unit} in {seconds:.1f} s{rate}", file=sys.stderr, flush=True)


@contextmanager
def _bar(title: str, n_total: int) -> Iterator[Callable[[int], None]]:
    # rich takes 0.1 s to import, which a stage without a terminal need not pay
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=n_total)
        yield lambda n: bar.advance(task, n)
