"""The table of the bars, amelio's and DVC's column from the same run: `make test-faults`.

Run: python -m tests.faults.table [--rounds N] [--bars B1,B2] [--minutes 38] [--write FILE]

Every fault is inflicted on both; what only amelio's own tests show is counted by running them.
Exit code 1 when amelio does not hold a bar, or nothing is found in DVC where something must be.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.faults.bars import Bar
from tests.faults.project import Subject
from tests.faults.rows import CONTROLS, ROWS, Fault, Row
from tests.tools import hear_signals

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- table of the bars -->", "<!-- end of the table -->"
N_WORKERS = 2 * (os.cpu_count() or 1)  # faults wait about as much as they compute


@dataclass(frozen=True)
class Tally:
    """n_cut: what there was no time for; first: one of the failures, in words"""

    n_bad: int = 0
    n_all: int = 0
    n_cut: int = 0
    first: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.n_bad + other.n_bad,
            self.n_all + other.n_all,
            self.n_cut + other.n_cut,
            self.first or other.first,
        )

    def __str__(self) -> str:
        """`held (12)`, `3 of 12 fail`, or `not tried`."""
        if not self.n_all and not self.n_cut:
            return "not tried"
        cut = f", no time for {self.n_cut}" if self.n_cut else ""
        if self.n_bad:
            return f"{self.n_bad} of {self.n_all} fail{cut}"
        return f"held ({self.n_all}{cut})" if self.n_all else f"no time for {self.n_cut}"


def inflict(bar: Bar, subject: Subject, number: int, deadline: float) -> Tally:
    """One fault; cut when the table's time is over."""
    if time.monotonic() > deadline:
        return Tally(n_cut=1)
    folder = Path(tempfile.mkdtemp(prefix="amelio-bar-"))
    try:
        found = bar(folder / "x", subject, number)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        found = [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = f"{bar.__name__} {number}: {found[0]}" if found else ""
    return Tally(n_bad=bool(found), n_all=1, first=told)


def inflicted(
    pool: ThreadPoolExecutor, faults: Sequence[Fault], subject: Subject, most: int, deadline: float
) -> list[Future[Tally]]:
    """All faults of a row for one subject, begun."""
    return [
        pool.submit(inflict, fault.bar, subject, number, deadline)
        for fault in faults
        for number in range(min(most, fault.n if subject is Subject.AMELIO else fault.n_control))
    ]


def tested(row: Row, deadline: float) -> Tally:
    """amelio's own tests."""
    if not row.tests:
        return Tally()
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    argv += ["-n", str(os.cpu_count() or 1), *row.tests]
    left_s = max(1.0, deadline - time.monotonic())
    try:
        done = subprocess.run(
            argv, cwd=ROOT, capture_output=True, text=True, timeout=left_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Tally(n_cut=1)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    n_bad = counts.get("failed", 0) + counts.get("error", 0)
    n_all = counts.get("passed", 0) + n_bad
    failed = re.findall(r"^(?:FAILED|ERROR) (.*)", done.stdout, flags=re.MULTILINE)
    return Tally(n_bad, n_all, first=failed[0] if failed else "") if n_all else Tally(1, 1)


def lines(chosen: Sequence[str], most: int, deadline: float) -> Iterator[tuple[str, Tally, Tally]]:
    """The table's lines, as they come; each with amelio's and DVC's tally."""
    with ThreadPoolExecutor(N_WORKERS) as pool:
        for number in chosen:
            row, begun = ROWS[number], time.monotonic()
            jobs = {who: inflicted(pool, row.faults, who, most, deadline) for who in Subject}
            found = {who: sum((job.result() for job in jobs[who]), Tally()) for who in Subject}
            ours, theirs = found[Subject.AMELIO] + tested(row, deadline), found[Subject.DVC]
            told = row.control if not theirs.n_all and row.control else str(theirs)
            cells = [number, row.name, str(ours), told, f"{time.monotonic() - begun:.0f}"]
            yield f"| {' | '.join(cells)} |", ours, theirs


def main() -> int:
    """Print the table; 1 when amelio does not hold a bar, or the control finds nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10**6, help="Each fault at most so often.")
    parser.add_argument("--bars", default=",".join(ROWS), help="Only these.")
    parser.add_argument("--minutes", type=float, default=38.0, help="Begin nothing after that.")
    parser.add_argument("--write", type=Path, help="Put the table into this file, too.")
    given = parser.parse_args()
    os.environ["DVC_NO_ANALYTICS"] = "1"
    hear_signals()
    begun = time.monotonic()
    text = ["| bar | | amelio | DVC | s |", "|---|---|---|---|---|"]
    print("\n".join(text), flush=True)
    wrong = []
    chosen = given.bars.split(",")
    for line, ours, theirs in lines(chosen, given.rounds, begun + 60 * given.minutes):
        print(line, flush=True)
        text.append(line)
        if ours.n_bad or ours.n_cut:
            wrong.append(f"{line.split()[1]}: {ours.first or 'not everything was tried'}")
        if line.split()[1] in CONTROLS and theirs.n_all and not theirs.n_bad:
            wrong.append(f"{line.split()[1]}: nothing is found in DVC, so the harness is broken")
    took = f"{(time.monotonic() - begun) / 60:.0f} min"
    now = f"{datetime.now(UTC):%Y-%m-%d}"
    text.append(
        f"\n{now}, DVC {version('dvc')}, {os.cpu_count()} cores, {platform.system()}, {took}."
    )
    print(text[-1], *wrong, sep="\n")
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
        table = "\n".join(text)
        given.write.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
