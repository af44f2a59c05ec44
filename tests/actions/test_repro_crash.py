"""Killed, interrupted, out of disk, not alone: nothing good is lost, nothing wrong is recorded."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from zc.lockfile import LockFile  # type: ignore[import-untyped]

from amelio import faults
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

FAILING = {"put_back.before_move", "put_back.after_move"}
RESTORING = {"restore.after_aside", "restore.after_checkout"}
UNFINISHED = {
    "start.before_journal",
    "start.after_journal",
    "start.after_aside",
    "start.after_spawn",
}


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(project: Project) -> Iterator[Start]:
    """`amelio repro` in a process of its own."""
    processes = []

    def run(*words: str, fault: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "amelio", "repro", *words],
            cwd=project.root,
            env={**os.environ, "AMELIO_FAULT": fault},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def wait_for(path: Path, limit_s: float = 20) -> None:
    """Until a file is there."""
    deadline = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.02)


def n_runs(project: Project) -> int:
    """How often the command of stage `a` was started since the counter was removed."""
    counter = project.root / "counter"
    return len(counter.read_text().splitlines()) if counter.exists() else 0


@pytest.fixture
def crashed(project: Project) -> Project:
    """Two stages that have run with input 1; then the input changed to 2."""
    command = "echo >> counter; rm -rf half; cat in > out; mkdir dir; cp in dir/x; test ! -e fail"
    project.write("in", "1")
    project.stages(
        a={"cmd": command, "deps": ["in"], "outs": ["out", "dir"]},
        b={"cmd": "cat out > b", "deps": ["out"], "outs": ["b"]},
    )
    assert set(project.outcomes().values()) == {"ran"}
    project.write("in", "2")
    (project.root / "counter").unlink()
    return project


@pytest.mark.parametrize("point", faults.POINTS)
def test_killed_at_any_point_the_next_run_mends_everything(
    crashed: Project, start: Start, point: str
) -> None:
    good_lock = crashed.read("dvc.lock")
    if point in FAILING:
        crashed.write("fail", "")
    if point in RESTORING:
        crashed.outcomes()
        crashed.write("in", "1")
        (crashed.root / "counter").unlink()
    process = start(fault=f"{point}:kill")
    assert process.wait(60) == -signal.SIGKILL, process.communicate()
    n_before = n_runs(crashed)
    if point in FAILING:
        assert crashed.outcomes() == {"a": "failed", "b": "not reached"}
        assert [crashed.read(name) for name in ("out", "dir/x", "b")] == ["1", "1", "1"]
        assert crashed.read("dvc.lock") == good_lock
        (crashed.root / "fail").unlink()
        n_before = n_runs(crashed)
    found = crashed.outcomes()
    assert set(found.values()) <= {"ran", "restored", "up to date"}
    expected = crashed.read("in")
    assert [crashed.read(name) for name in ("out", "dir/x", "b")] == [expected] * 3
    if point not in UNFINISHED | FAILING | RESTORING:
        assert n_runs(crashed) == n_before == 1  # the command had ended: it is not run again
    assert crashed.is_clean()
    assert not list((crashed.root / ".dvc" / "tmp" / "amelio").glob("runs/*/*/old/*"))
    assert set(crashed.outcomes().values()) == {"up to date"}


@pytest.mark.parametrize(
    "point",
    ["exit.before_commit", "commit.after_cache", "commit.before_write", "close.before_journal"],
)
def test_a_full_disk_after_the_command_costs_no_work(
    crashed: Project, start: Start, point: str
) -> None:
    process = start(fault=f"{point}:enospc")
    output = "".join(process.communicate(timeout=60))
    assert process.returncode in (1, 4), output
    assert "No space left on device" in output
    assert set(crashed.outcomes().values()) <= {"ran", "up to date"}
    assert n_runs(crashed) == 1
    assert crashed.is_clean()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("trap", ["", "trap '' INT TERM HUP;", "trap 'exit 0' INT TERM HUP;"])
def test_a_signal_ends_the_stage_and_records_nothing(
    project: Project, start: Start, number: signal.Signals, trap: str
) -> None:
    project.stages(a={"cmd": f"{trap} echo > started; sleep 1.5; echo > a", "outs": ["a"]})
    process = start()
    wait_for(project.root / "started")
    process.send_signal(number)
    output = process.communicate(timeout=20)
    assert process.returncode == 128 + number, output
    assert not (project.root / "a").exists()
    assert not (project.root / "dvc.lock").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_ignores_a_signal_is_killed_in_the_end(
    project: Project, start: Start, number: signal.Signals
) -> None:
    project.stages(a={"cmd": "trap '' INT TERM HUP; echo > started; sleep 60", "outs": ["a"]})
    process = start()
    wait_for(project.root / "started")
    process.send_signal(number)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 128 + number
    assert not (project.root / "dvc.lock").exists()
    told = "interrupted: 1 stage may take 4 s to end; a second Ctrl-C does not wait for that"
    lines = output.splitlines()
    assert lines.count(told) == 1
    assert lines.index(told) < next(n for n, line in enumerate(lines) if "it was stopped" in line)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_kills(project: Project, start: Start, first: signal.Signals) -> None:
    project.stages(a={"cmd": "trap '' INT TERM HUP; echo > started; sleep 60", "outs": ["a"]})
    process = start()
    wait_for(project.root / "started")
    process.send_signal(first)
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 128 + first
    assert time.monotonic() - begun < 3  # the time of grace is 4 s


def test_when_amelio_is_killed_everything_it_started_dies(project: Project, start: Start) -> None:
    child = "setsid sh -c 'trap \"\" TERM INT HUP; echo $$ >> pids; sleep 300' &"
    tree = f"for i in 1 2; do {child} done; echo $$ >> pids; sleep 300"
    project.stages(a={"cmd": tree, "outs": ["a"]})
    process = start()
    pids = project.root / "pids"
    wait_for(pids)
    while len(pids.read_text().split()) < 3:
        time.sleep(0.02)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    alive = pids.read_text().split()
    while alive and time.monotonic() < deadline:
        alive = [pid for pid in alive if Path(f"/proc/{pid}").exists()]
        time.sleep(0.02)
    assert not alive


def test_a_stage_whose_guard_is_killed_fails_and_nothing_of_it_lives_on(
    project: Project, start: Start
) -> None:
    project.stages(
        a={"cmd": "echo $$ > ../pid; touch out; sleep 600", "outs": ["out"]},
        b={"cmd": "sleep 2; echo > b", "outs": ["b"]},
    )
    process = start("--jobs", "2", "--keep-going")
    wait_for(project.root.parent / "pid")
    sleeper = psutil.Process(int((project.root.parent / "pid").read_text()))
    guard = sleeper.parent()
    assert guard is not None
    guard.kill()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert not psutil.pid_exists(sleeper.pid)
    assert "the guard of this stage has died" in output
    lock = project.read("dvc.lock")
    assert "path: b" in lock
    assert "path: out" not in lock


def test_a_signal_that_is_ignored_from_the_start_stays_ignored(
    project: Project, start: Start
) -> None:
    project.stages(a={"cmd": "touch begun; sleep 1; echo > a", "outs": ["a"]})
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        process = start()
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(project.root / "begun")
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    assert (project.root / "a").exists()


def test_two_runs_at_once_run_each_stage_once(project: Project, start: Start) -> None:
    project.stages(
        a={"cmd": "echo >> counter; sleep 0.5; echo > a", "outs": ["a"]},
        b={"cmd": "cat a > b", "deps": ["a"], "outs": ["b"]},
    )
    runs = [start(), start()]
    for process in runs:
        output = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert n_runs(project) == 1


def test_a_second_run_that_does_not_want_to_wait(project: Project, start: Start) -> None:
    project.stages(a={"cmd": "touch begun; until test -e go; do sleep 0.1; done", "outs": []})
    first = start()
    wait_for(project.root / "begun")
    second = start("--no-wait")
    _, told = second.communicate(timeout=60)
    assert second.returncode == 4
    assert f"another amelio run (process {first.pid}) is at work in this repository" in told
    project.write("go", "")
    assert first.wait(60) == 0


def test_plain_dvc_runs_other_stages_meanwhile_and_nothing_is_lost(
    project: Project, start: Start
) -> None:
    project.stages(
        slow={"cmd": "echo > started; sleep 3; echo > slow", "outs": ["slow"]},
        other={"cmd": "echo > other", "outs": ["other"]},
    )
    process = start("slow")
    wait_for(project.root / "started")
    project.dvc("repro", "--quiet", "other")
    output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert project.is_clean()
    assert set(project.outcomes().values()) == {"up to date"}


def test_a_torn_rwlock_is_mended(project: Project) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    for torn in ("", '{"wri', '{"write": 3}'):
        project.write(".dvc/tmp/rwlock", torn)
        assert project.outcomes(force=True) == {"a": "ran"}


@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD\n", "stages: [", "\x00\xff"])
def test_a_torn_lock_file_is_named_with_the_way_out(
    project: Project, start: Start, text: str
) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    project.repro()
    project.write("dvc.lock", text)
    process = start()
    output = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "dvc.lock" in output[1]
    assert "git checkout" in output[1]


def test_ctrl_c_while_another_program_holds_dvcs_lock(project: Project, start: Start) -> None:
    project.stages(a={"cmd": "echo > started; sleep 0.5; echo > a", "outs": ["a"]})
    process = start()
    wait_for(project.root / "started")
    lock = LockFile(str(project.root / ".dvc" / "tmp" / "lock"))
    time.sleep(1)  # the command has ended; amelio waits for the lock
    process.send_signal(signal.SIGINT)
    code = process.wait(20)
    lock.close()
    assert code == 130
    assert project.outcomes() == {"a": "ran"}
