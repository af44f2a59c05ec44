"""Random histories: edits, runs of amelio and of plain DVC, kills, full disks, experiments."""

import subprocess
import sys

import pytest

from tests.faults.histories import run_histories
from tests.faults.small_disk import OWN_MOUNTS
from tests.faults.test_bars import works_on_a_small_disk

PATIENCE_S = 900


def run(n_histories: int, n_steps: int, seed: int) -> None:
    """In a process with a small disk where that can be had, else here and without full disks."""
    if not works_on_a_small_disk():
        run_histories(n_histories, n_steps, seed, shrinks=False)
        return
    argv = [sys.executable, "-m", "tests.faults.histories", *map(str, (n_histories, n_steps, seed))]
    done = subprocess.run(
        [*OWN_MOUNTS, *argv], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


def test_a_few_histories() -> None:
    run(2, 12, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S + 60)
@pytest.mark.parametrize("seed", range(4))
def test_histories(seed: int) -> None:
    run(8, 15, seed)
