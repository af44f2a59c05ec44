"""The table of the bars, amelio's and DVC's column from the same run: `make test-faults`.

Run: python -m tests.faults.table [--rounds N]. What is in `bars` is inflicted on both; other rows
are amelio's own tests.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults import bars
from tests.faults.bars import Bar
from tests.faults.project import Subject

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Row:
    """faults: for both subjects, `--rounds` times each; tests: amelio's own, pytest arguments"""

    name: str
    faults: Sequence[Bar] = ()
    tests: Sequence[str] = ()


A, F, S = "tests/actions", "tests/faults", "tests/security"
ROWS = {
    "B1": Row("Killed at system calls", (bars.torn_lock, partial(bars.kill_sweep, n_points=8))),
    "B2": Row("No orphans", (bars.orphans,)),
    "B3": Row(
        "No silent wrong result",
        (
            bars.changed_input,
            bars.changed_param,
            bars.changed_input_with_old_time,
            bars.changed_branch,
        ),
    ),
    "B4": Row("Finished work is kept", (bars.finished_work,)),
    "B5": Row("The last good output is kept", (bars.failing_stage,)),
    "B6": Row("Signals", (bars.interrupted,), (f"{A}/test_repro_crash.py", "-k", "signal")),
    "B7": Row("Mutual exclusion", (bars.two_runs, bars.two_containers)),
    "B8": Row("Same as DVC", (), ("tests/dvcio/test_same_as_dvc.py", "tests/dvcio/test_shapes.py")),
    "B9": Row("Write isolation", (bars.foreign_output,), (f"{A}/test_repro_borders.py",)),
    "B10": Row("Damage in the cache is seen", (bars.flipped_bytes,)),
    "B11": Row("Disk full", (), (f"{A}/test_repro_crash.py", "-k", "full_disk")),
    "B12": Row("Change detection", (bars.same_size_same_time,)),
    "B13": Row("Experiments do not get lost", (), (f"{A}/test_experiments_stress.py",)),
    "B14": Row("The user's tree is safe", (), (f"{A}/test_experiments.py",)),
    "B15": Row("Errors, 44 broken configurations", (), (f"{F}/test_broken.py",)),
    "B16": Row("Untrusted models", (), (f"{F}/test_unsafe_calls.py", f"{S}/test_checkpoints.py")),
    "B17": Row(
        "Untrusted data",
        (),
        (
            f"{A}/test_repro_room.py",
            f"{S}/test_paths_and_bombs.py",
            "tests/dvcio/test_bounded_yaml.py",
        ),
    ),
    "B19": Row("Shell injection, 270 payloads", (), (f"{A}/test_repro_injection.py",)),
    "B20": Row(
        "Secrets, alerts, CI",
        (),
        (
            "tests/quality",
            "tests/test_redaction.py",
            "tests/ci",
            "tests/e2e/test_hostile_report.py",
        ),
    ),
}


def inflicted(row: Row, subject: Subject, n_rounds: int) -> tuple[int, int]:
    """How many of how many faults were not survived."""
    n_bad = 0
    for bar in row.faults:
        for _ in range(n_rounds):
            folder = Path(tempfile.mkdtemp(prefix="amelio-bar-"))
            try:
                n_bad += bool(bar(folder / "x", subject))
            except (AssertionError, OSError, subprocess.SubprocessError):
                n_bad += 1
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return n_bad, len(row.faults) * n_rounds


def tested(row: Row) -> tuple[int, int]:
    """How many of how many of amelio's own tests fail."""
    if not row.tests:
        return 0, 0
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", *row.tests]
    argv += ["-m", "not slow"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    n_bad = counts.get("failed", 0) + counts.get("error", 0)
    n_all = counts.get("passed", 0) + n_bad
    return (n_bad, n_all) if n_all else (1, 1)


def shown(n_bad: int, n_all: int) -> str:
    """`held (12)`, `3 of 12 fail`, or `–` where nothing applies."""
    if not n_all:
        return "–"
    return f"{n_bad} of {n_all} fail" if n_bad else f"held ({n_all})"


def main() -> int:
    """Print the table; 1 when amelio does not hold a bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3, help="How often each fault.")
    n_rounds = parser.parse_args().rounds
    os.environ["DVC_NO_ANALYTICS"] = "1"
    print("| bar | | amelio | DVC | s |\n|---|---|---|---|---|", flush=True)
    is_held = True
    for number, row in ROWS.items():
        begun = time.monotonic()
        ours = inflicted(row, Subject.AMELIO, n_rounds)
        own = tested(row)
        ours = (ours[0] + own[0], ours[1] + own[1])
        theirs = inflicted(row, Subject.DVC, n_rounds)
        is_held &= not ours[0]
        took_s = time.monotonic() - begun
        cells = (number, row.name, shown(*ours), shown(*theirs), f"{took_s:.0f}")
        print(f"| {' | '.join(cells)} |", flush=True)
    return int(not is_held)


if __name__ == "__main__":
    sys.exit(main())
