"""The bars that amelio is held to, each in a few of its variations; all of them: `table`.

DVC is the control: the same harness must find there what DVC 3.67 is known for.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.faults import bars, kills, outside, rows, small_disk
from tests.faults.bars import Bar
from tests.faults.project import Subject
from tests.faults.table import Tally

NEEDS: dict[Bar, tuple[str, ...]] = {
    kills.kill_sweep: ("strace", "true"),
    kills.torn_file: ("strace", "true"),
    bars.two_runs: ("unshare", "--pid", "--fork", "--mount-proc", "true"),
    small_disk.full_disk: (*small_disk.OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"),
}
# Beside the first variation of each: others that take other ways through the program.
MORE: dict[Bar, tuple[int, ...]] = {
    bars.changed_meanwhile: (1, 2, 3, 4),
    bars.failing_stage: (1, 2, 3),
    bars.two_runs: (1, 2),
    bars.foreign_output: (5,),
    kills.torn_file: (1,),
    kills.orphans: (1,),
    kills.interrupted: (9, 12),
    small_disk.full_disk: (13, 18),
    outside.victim: (3,),
}
FAULTS = [fault.bar for row in rows.ROWS.values() for fault in row.faults]
CASES = [
    (bar, number)
    for bar in FAULTS
    if bar is not kills.kill_sweep
    for number in (0, *MORE.get(bar, ()))
]
N_KILLS, N_SWEEPS = 24, 6
# F1, F2, F3, F4, F9, F18, F22. A harness that finds nothing there is broken.
CONTROLS: tuple[tuple[Bar, int], ...] = (
    (bars.changed_meanwhile, 0),
    (kills.orphans, 0),
    (kills.torn_file, 0),
    (kills.finished_work, 0),
    (bars.two_runs, 1),
    (bars.flipped_byte, 0),
    (bars.same_size_same_time, 0),
)


@cache
def _works(words: tuple[str, ...]) -> bool:
    return bool(shutil.which(words[0])) and subprocess.run(words, check=False).returncode == 0


def works_on_a_small_disk() -> bool:
    """Whether disks fill up here."""
    return _works(NEEDS[small_disk.full_disk])


def require(bar: Bar) -> None:
    """Skip where what a bar needs does not work, but where nothing may be skipped."""
    words = NEEDS.get(bar)
    if words and not os.environ.get("AMELIO_TESTS_COMPLETE") and not _works(words):
        pytest.skip(f"needs {' '.join(words)}")


@pytest.mark.parametrize(("bar", "number"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_amelio(bar: Bar, number: int, tmp_path: Path) -> None:
    require(bar)
    assert bar(tmp_path / "x", Subject.AMELIO, number) == []


@pytest.mark.parametrize("share", range(N_SWEEPS))
def test_killed_anywhere(share: int, tmp_path: Path) -> None:
    require(kills.kill_sweep)
    for number in range(share, N_KILLS, N_SWEEPS):
        assert kills.kill_sweep(tmp_path / str(number), Subject.AMELIO, number) == []
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.parametrize(
    ("bar", "number"), CONTROLS, ids=lambda case: getattr(case, "__name__", case)
)
def test_the_harness_sees_what_dvc_does(bar: Bar, number: int, tmp_path: Path) -> None:
    require(bar)
    assert bar(tmp_path / "x", Subject.DVC, number) != []


def test_tests_that_the_table_counts_are_there() -> None:
    for row in rows.ROWS.values():
        for word in row.tests:
            assert not word.startswith("tests/") or Path(word).exists(), word
        assert row.faults or row.tests


def test_a_tally_in_words() -> None:
    assert str(Tally()) == "not tried"
    assert str(Tally(0, 3)) == "held (3)"
    assert (
        str(Tally(0, 3) + Tally(1, 2, first="b") + Tally(n_cut=4)) == "1 of 5 fail, no time for 4"
    )
