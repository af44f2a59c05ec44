"""Many experiments while workers and commands are killed: bars B13 and B14."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from amelio.experiments.queue import Queue
from tests.actions.experiment_lab import Lab, until

PATIENCE_S = 240.0


def kill_a_worker(queue: Queue, chance: random.Random) -> set[str]:
    """Any one that has an experiment; the name of that (of two, when it was just changing)."""
    pids = [entry.pid for entry in queue.live() if entry.pid]
    if not pids:
        return set()
    pid = chance.choice(pids)
    before = queue.live()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return set()
    return {entry.name for entry in (*before, *queue.live()) if entry.pid == pid}


def run_all(lab: Lab, jobs: int, chance: random.Random, kill_every_s: float) -> Counter[str]:
    """`--run-all`, while workers are killed; how often the worker of each experiment was."""
    killed: Counter[str] = Counter()
    queue = Queue(lab.home / "queue.db")
    with lab.start("run", "--run-all", "-j", str(jobs), "-q") as process:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None:
            assert time.monotonic() < deadline
            try:
                process.wait(kill_every_s)
            except subprocess.TimeoutExpired:
                killed.update(kill_a_worker(queue, chance))
    queue.close()
    return killed


def finish(lab: Lab, killed: Counter[str]) -> None:
    """All is done but for what chance had killed three times, which says so and can be retried."""
    found = {e["order"]["name"]: e for e in lab.status()}
    for name, entry in found.items():
        assert entry["tries"] <= min(3, killed[name] + 1), entry
        if entry["status"] != "done":
            assert entry["status"] == "failed", entry
            assert killed[name] >= 3, entry
            assert entry["message"].startswith("its worker was killed 3 times"), entry
    if any(entry["status"] == "failed" for entry in found.values()):
        lab.exp("retry")
        lab.exp("run", "--run-all", "-j", "4", "-q")


def check_results(lab: Lab, n: int) -> None:
    """One right experiment for each value, under as many refs."""
    refs = lab.refs()
    assert len(refs) == n
    values = set()
    for commit in refs.values():
        lr = lab.git("show", f"{commit}:params.yaml").split()[1]
        assert lab.git("show", f"{commit}:metrics.json") == f'{{"score": {lr}}}'
        values.add(lr)
    assert values == {str(100 + number) for number in range(n)}


@pytest.mark.parametrize("seed", [1])
def test_workers_die_and_all_is_done(lab: Lab, seed: int) -> None:
    before = lab.footprint()
    lab.exp("run", "--queue", "-S", "lr=range(100,110)", "-S", "seconds=1")
    finish(lab, run_all(lab, 4, random.Random(seed), 1.5))
    check_results(lab, 10)
    assert lab.footprint() == before
    assert lab.leftovers() == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_by_twenty_ten_times_with_a_worker_killed_every_two_seconds(
    template: Path, tmp_path: Path
) -> None:
    for seed in range(10):
        root = tmp_path / f"lab{seed}"
        shutil.copytree(template, root, symlinks=True)
        lab = Lab(root, tmp_path / f"trace{seed}")
        lab.git("status")
        before = lab.footprint()
        lab.exp("run", "--queue", "-S", "lr=range(100,200)")
        finish(lab, run_all(lab, 20, random.Random(seed), 2.0))
        check_results(lab, 100)
        assert lab.footprint() == before
        assert lab.leftovers() == []
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_users_tree_is_whole_after_fifty_kills_at_random(lab: Lab) -> None:
    chance = random.Random(7)
    before = lab.footprint()
    n_killed = 0
    began = time.monotonic()
    lab.exp("run", "-S", "lr=99", "-S", "seconds=0.2", "-n", "first", "--temp")
    took_s = time.monotonic() - began
    for number in range(50):
        words = ("run", "-S", f"lr={100 + number}", "-S", "seconds=0.2", "-n", f"k{number}")
        process = lab.start(*words, "--temp")
        try:
            process.wait(chance.uniform(0.05, 1.1 * took_s))
        except subprocess.TimeoutExpired:
            process.kill()
            n_killed += 1
        process.communicate()
        assert lab.footprint() == before, f"after kill {number}"
    lab.exp("run", "--run-all", "-j", "4")
    assert lab.footprint() == before
    assert lab.leftovers() == []
    assert n_killed > 10
    statuses = {e["order"]["name"]: e["status"] for e in lab.status()}
    assert set(statuses.values()) == {"done"}
    assert set(lab.refs()) == set(statuses)  # what was queued is there, once


@pytest.mark.slow
def test_the_queueing_process_killed_at_random_queues_all_or_nothing(lab: Lab) -> None:
    chance = random.Random(3)
    before = lab.footprint()
    for number in range(30):
        names = ("-n", f"q{number}", "-S", "lr=range(100,120)")
        process = lab.start("run", "--queue", *names)
        try:
            process.wait(chance.uniform(0.1, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        found = [e for e in lab.status() if e["order"]["name"].startswith(f"q{number}-")]
        assert len(found) in (0, 20)
        assert lab.footprint() == before
    lab.exp("stop", "--all")
    assert lab.footprint() == before


@pytest.mark.slow
def test_dvcs_own_queue_never_hears_of_a_dead_worker(lab: Lab) -> None:
    """The positive control: the harness sees the fault that amelio's queue does not have."""
    import psutil

    def workers() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if "queue-worker" in words and process.info["cwd"] == str(lab.root):
                found.append(process)
        return found

    lab.dvc("exp", "run", "--queue", "-f", "-S", "seconds=60", "-n", "theirs")
    start = [sys.executable, "-W", "ignore", "-m", "dvc", "queue", "start"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # DVC starts `dvc` from there
    env = {**os.environ, "TRACE": str(lab.trace), "PATH": path}
    nothing = subprocess.DEVNULL  # the worker keeps what it inherits, and a pipe would wait for it
    subprocess.run(start, cwd=lab.root, env=env, stdout=nothing, stderr=nothing, check=True)
    try:
        until(lambda: "theirs" in lab.traced(), 60)
        for process in workers():
            process.kill()
        for process in psutil.process_iter(["cwd"]):
            if str(process.info["cwd"] or "").startswith(f"{lab.root}/.dvc/tmp/exps/"):
                process.kill()
        time.sleep(35)
        assert "Running" in lab.dvc("queue", "status")
    finally:
        for process in workers():
            process.kill()
