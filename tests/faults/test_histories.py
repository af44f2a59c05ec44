"""Random histories: edits, runs of amelio and of plain DVC, kills; the truth after every step."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults import oracle
from tests.faults.project import Project, Subject, finish, is_alive, wait_for

SOURCES = st.sampled_from(Project.SOURCES)
VERSIONS = st.integers(0, 3)
OUTPUTS = st.sampled_from(["a.out", "b.out", "c.out", "d.out"])


class Histories(RuleBasedStateMachine):
    """One repository, for as many steps as Hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="amelio-history-"))
        self.project = Project(self.folder, Subject.AMELIO)
        self.hides_an_edit = False  # from DVC, which would record it wrongly

    def teardown(self) -> None:
        """A last plain run mends whatever happened."""
        found = oracle.violations(self.project)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not found

    @rule(path=SOURCES, version=VERSIONS)
    def edit_an_input(self, path: str, version: int) -> None:
        self.project.write(path, f"{path}, version {version}\n")

    @rule(path=SOURCES, version=VERSIONS)
    def edit_an_input_keeping_its_time(self, path: str, version: int) -> None:
        self.project.write(path, f"{path}, version {version}\n", keep_time=True)
        self.hides_an_edit = True

    @rule(alpha=VERSIONS, beta=VERSIONS)
    def edit_parameters(self, alpha: int, beta: int) -> None:
        self.project.params(alpha=alpha, beta=beta)

    @rule(path=OUTPUTS)
    def delete_an_output(self, path: str) -> None:
        (self.project.root / path).unlink(missing_ok=True)

    @rule(path=OUTPUTS)
    def edit_an_output(self, path: str) -> None:
        target = self.project.root / path
        target.unlink(missing_ok=True)
        target.write_text("by hand\n")

    @rule(jobs=st.sampled_from([1, 2, 8]))
    def run(self, jobs: int) -> None:
        done = self.project.repro("--jobs", str(jobs))
        assert done.returncode == 0, done.stdout + done.stderr
        self.hides_an_edit = False

    @precondition(lambda self: not self.hides_an_edit)
    @rule()
    def run_plain_dvc(self) -> None:
        self.project.dvc("repro")

    @rule(delay_s=st.floats(0.2, 2.5), number=st.sampled_from(["SIGKILL", "SIGTERM", "SIGINT"]))
    def kill_a_run(self, delay_s: float, number: str) -> None:
        process = self.project.start("--force")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay_s)
        if process.poll() is None:
            process.send_signal(signal.Signals[number])
        finish(process)
        wait_for(lambda: not any(map(is_alive, self.project.marks("start"))), "quiet")

    @rule(delay_s=st.floats(0.2, 2.0), path=SOURCES, version=VERSIONS)
    def edit_during_a_run(self, delay_s: float, path: str, version: int) -> None:
        process = self.project.start("--force")
        time.sleep(delay_s)
        self.project.write(path, f"{path}, version {version}\n")
        finish(process)

    @invariant()
    def the_lock_tells_the_truth(self) -> None:
        assert oracle.wrong_results(self.project) == []

    @invariant()
    def the_cache_is_sound(self) -> None:
        assert oracle.rotten_objects(self.project) == []


def run_histories(n_histories: int, n_steps: int) -> None:
    """Raises with the shortest history that Hypothesis finds for a violation."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=n_histories,
            stateful_step_count=n_steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_histories() -> None:
    run_histories(25, 12)
