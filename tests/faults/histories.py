"""Random histories of one repository: whatever happens, the lock and the cache tell the truth.

Run as a program, `python -m tests.faults.histories EXAMPLES STEPS SEED` makes a small disk of its
own, which needs a mount namespace of its own (`small_disk.OWN_MOUNTS`); only then disks fill up.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from amelio.experiments.home import Home
from amelio.experiments.queue import Queue
from tests.faults import oracle
from tests.faults.project import Project, Subject, finish, is_alive, wait_for
from tests.faults.small_disk import fill, mount

DISK_BYTES = 96 << 20
SOURCES = st.sampled_from(Project.SOURCES)
VERSIONS = st.integers(0, 3)
OUTPUTS = st.sampled_from(["a.out", "b.out", "c.out", "d.out"])
DELAYS = st.floats(0.1, 1.6)
SIGNALS = st.sampled_from(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
WORKER = "SIGKILL to one worker"
DISK: list[Path] = []  # the small disk, where there is one


class Histories(RuleBasedStateMachine):
    """One repository, for as many steps as Hypothesis likes.

    hides_an_edit: there is one that DVC cannot see, and would record wrongly
    damaged: objects of the cache whose bytes were changed, by their paths
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(
            tempfile.mkdtemp(prefix="amelio-history-", dir=DISK[0] if DISK else None)
        )
        self.project = Project(self.folder, Subject.AMELIO)
        self.project.commit("-A")
        self.project.git("branch", "other")
        self.branches = ["other", "main"]
        self.hides_an_edit = False
        self.damaged: set[Path] = set()

    def teardown(self) -> None:
        """A last plain run mends whatever happened."""
        try:
            self._heal()
            require(oracle.violations(self.project))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(path=SOURCES, version=VERSIONS, keeps_time=st.booleans())
    def edit_an_input(self, path: str, version: int, keeps_time: bool) -> None:
        self.project.write(path, f"{path}, version {version}\n", keep_time=keeps_time)
        self.hides_an_edit |= keeps_time

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

    @rule(jobs=st.integers(1, 8))
    def run(self, jobs: int) -> None:
        done = self.project.repro("--jobs", str(jobs))
        assert done.returncode == 0, done.stdout + done.stderr
        require(oracle.wrong_files(self.project))
        self.hides_an_edit = False

    @precondition(lambda self: not self.hides_an_edit and not self.damaged)
    @rule()
    def run_plain_dvc(self) -> None:
        self.project.dvc("repro")

    @rule(delay_s=DELAYS, number=SIGNALS, forced=st.booleans())
    def kill_a_run(self, delay_s: float, number: str, forced: bool) -> None:
        process = self.project.start(*(["--force"] if forced else []))
        self._kill(process, delay_s, number)

    @rule(delay_s=DELAYS, path=SOURCES, version=VERSIONS, keeps_time=st.booleans())
    def edit_an_input_during_a_run(
        self, delay_s: float, path: str, version: int, keeps_time: bool
    ) -> None:
        process = self.project.start("--force")
        time.sleep(delay_s)
        self.edit_an_input(path, version, keeps_time)
        finish(process)

    @rule(delay_s=DELAYS, alpha=VERSIONS)
    def edit_a_parameter_during_a_run(self, delay_s: float, alpha: int) -> None:
        process = self.project.start("--force")
        time.sleep(delay_s)
        self.project.params(alpha=alpha)
        finish(process)

    @precondition(lambda _: bool(DISK))
    @rule(left_kb=st.sampled_from([0, 4, 20, 60, 150, 400]))
    def run_on_a_full_disk(self, left_kb: int) -> None:
        filler = fill(DISK[0], left_kb << 10)
        finish(self.project.start("--force"))
        filler.unlink()

    @rule(path=OUTPUTS)
    def corrupt_an_object(self, path: str) -> None:
        content = self.project.read(path)
        if content is None:
            return
        damaged = self.project.cached(path)
        if not damaged.exists():
            return
        damaged.chmod(0o644)
        damaged.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        damaged.chmod(0o444)
        self.damaged.add(damaged)

    @rule()
    def check_out(self) -> None:
        if self.project.checkout().returncode == 0:
            require(oracle.wrong_files(self.project))

    @rule()
    def collect_garbage(self) -> None:
        done = self.project.amelio("gc", "--workspace", "--force")
        assert done.returncode == 0, done.stdout + done.stderr

    @rule()
    def switch_the_branch(self) -> None:
        self.project.commit("-A")
        self.branches.reverse()
        self.project.git("checkout", "-q", self.branches[-1])

    @rule(alphas=st.lists(VERSIONS, min_size=1, max_size=2, unique=True))
    def queue_experiments(self, alphas: list[int]) -> None:
        chosen = ",".join(map(str, alphas))
        done = self.project.amelio("exp", "run", "--queue", "-S", f"params.json:alpha={chosen}")
        assert done.returncode == 0, done.stdout + done.stderr

    @rule(delay_s=st.floats(0.3, 2.5), number=st.sampled_from(["", "SIGKILL", "SIGINT", WORKER]))
    def run_experiments(self, delay_s: float, number: str) -> None:
        before = self._users_own()
        words = ["exp", "run", "--run-all", "--jobs", "2"]
        process = self.project.popen([sys.executable, "-m", "amelio", *words])
        if number == WORKER:
            self._kill_a_worker(process, delay_s)
            assert finish(process).returncode == 0  # another worker takes it up
        elif number:
            self._kill(process, delay_s, number)
        else:
            finish(process)
        assert self._users_own() == before
        for name in self.project.git("for-each-ref", "--format=%(refname)", "refs/exps").split():
            if name.count("/") > 3:  # not those by which DVC passes something on
                lock = self.project.git("show", f"{name}:dvc.lock").encode()
                require(oracle.wrong_results(self.project, lock), name)

    @precondition(lambda self: self.damaged)
    @rule()
    def heal(self) -> None:
        self._heal()

    @invariant()
    def the_lock_tells_the_truth(self) -> None:
        require(oracle.wrong_results(self.project))

    @invariant()
    def the_cache_is_sound(self) -> None:
        known = {f"{path.parent.name}{path.name}" for path in self.damaged}
        rotten = oracle.rotten_objects(self.project)
        require([text for text in rotten if text.split()[2] not in known])
        self.damaged = {path for path in self.damaged if path.exists() and not _is_sound(path)}

    def _heal(self) -> None:
        """Remove what was damaged: only amelio's own checks stand between it and the user."""
        for path in self.damaged:
            path.unlink(missing_ok=True)
        self.damaged.clear()

    def _kill(self, process: "subprocess.Popen[str]", delay_s: float, number: str) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay_s)
        if process.poll() is None:
            process.send_signal(signal.Signals[number])
        finish(process)
        wait_for(lambda: not any(map(is_alive, self.project.marks("start"))), "quiet")

    def _kill_a_worker(self, process: "subprocess.Popen[str]", delay_s: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay_s)
        queue = Queue(Home(self.project.root, self.project.root).queue)
        for pid in [entry.pid for entry in queue.live() if entry.pid][:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        queue.close()

    def _users_own(self) -> tuple[str, ...]:
        """What experiments must leave as it is: files, index, branches."""
        names = self.project.git("ls-files", "--cached", "--others", "--exclude-standard").split()
        contents = (self.project.read(name) for name in sorted(names))
        return (
            self.project.git("ls-files", "--stage"),
            self.project.git("for-each-ref", "refs/heads", "refs/stash"),
            *(hashlib.md5(content or b"").hexdigest() for content in contents),
        )


def require(found: list[str], where: str = "dvc.lock") -> None:
    """Nothing was found."""
    if found:
        raise AssertionError(f"{where}: {'; '.join(found)}")


def _is_sound(path: Path) -> bool:
    return hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name


def run_histories(n_histories: int, n_steps: int, seed_value: int, *, shrinks: bool) -> None:
    """Raises with a history, the shortest one with `shrinks`, that ends in a violation."""
    phases = [Phase.generate, *([Phase.shrink] if shrinks else [])]
    seed(seed_value)(Histories)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=n_histories,
            stateful_step_count=n_steps,
            phases=phases,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def main() -> None:
    """On a disk of its own."""
    folder = Path(tempfile.mkdtemp(prefix="amelio-disk-"))
    mount(folder, DISK_BYTES)
    DISK.append(folder)
    n_histories, n_steps, seed_value = map(int, sys.argv[1:4])
    run_histories(n_histories, n_steps, seed_value, shrinks=sys.argv[4:] == ["--shrink"])


if __name__ == "__main__":
    main()
