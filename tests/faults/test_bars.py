"""The bars that amelio is held to; DVC is the control: the same harness must find faults there."""

import os
import shutil
from pathlib import Path

import pytest

from tests.faults import bars
from tests.faults.project import Subject

BARS = {
    bar.__name__: bar
    for bar in (
        bars.changed_input,
        bars.changed_param,
        bars.changed_input_with_old_time,
        bars.changed_branch,
        bars.orphans,
        bars.finished_work,
        bars.failing_stage,
        bars.interrupted,
        bars.two_runs,
        bars.two_containers,
        bars.foreign_output,
        bars.flipped_bytes,
        bars.same_size_same_time,
        bars.torn_lock,
        bars.kill_sweep,
    )
}
NEEDS = {"torn_lock": "strace", "kill_sweep": "strace", "two_containers": "unshare"}
# What DVC 3.67 is known for: F1, F2, F3, F4, F9, F18, F22. A harness that finds nothing is broken.
CONTROLS = (
    "changed_input",
    "orphans",
    "torn_lock",
    "finished_work",
    "two_containers",
    "flipped_bytes",
    "same_size_same_time",
)


def require(name: str) -> None:
    """Skip where the program that a bar needs is missing, but where nothing may be."""
    program = NEEDS.get(name)
    if program and not shutil.which(program) and not os.environ.get("AMELIO_TESTS_COMPLETE"):
        pytest.skip(f"needs {program}")


@pytest.mark.parametrize("name", BARS)
def test_amelio(name: str, tmp_path: Path) -> None:
    require(name)
    assert BARS[name](tmp_path / "x", Subject.AMELIO) == []


@pytest.mark.parametrize("name", CONTROLS)
def test_the_harness_sees_what_dvc_does(name: str, tmp_path: Path) -> None:
    require(name)
    assert BARS[name](tmp_path / "x", Subject.DVC) != []
