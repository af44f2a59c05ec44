"""Experiments whose worker or command is killed: parts of bars B13 and B14."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.project import Project, Subject, finish, wait_for

NAMES = {"e1", "e2", "e3"}
DEATH_TO_RESULTS_S = 45.0  # 30 s until a dead worker's experiment is taken up again, and its work
COPIES = (".dvc/tmp/exps/standalone/tmp*", ".dvc/tmp/amelio/experiments/worktrees/[0-9]*")


def killed_worker(folder: Path, subject: Subject, number: int) -> list[str]:
    """B13: three experiments wait; who works on the first ones is killed. All get done."""
    project = Project(folder, subject)
    project.stages(d="sleep=2")
    project.commit("dvc.yaml")
    for name in sorted(NAMES):
        _experiment(project, name, "--queue")
    command = ["queue", "start", "--jobs", "2"]
    if subject is Subject.AMELIO:
        command = ["exp", "run", "--run-all", "--jobs", "2"]
    runner = project.start_other(*command)
    try:
        wait_for(lambda: _is_busy(project), "an experiment's last stage")
        time.sleep(0.15 * (number % 10))
        _kill_workers(project)
        until = time.monotonic() + DEATH_TO_RESULTS_S
        while time.monotonic() < until and NAMES - _results(project):
            time.sleep(0.2)
        lost = sorted(NAMES - _results(project))
        return [f"{', '.join(lost)}: not done {DEATH_TO_RESULTS_S:g} s later"] if lost else []
    finally:
        runner.kill()
        _kill_workers(project)
        runner.communicate()


def killed_command(folder: Path, subject: Subject, number: int) -> list[str]:
    """B14: `exp run` is killed at a random time. What is the user's is as it was, and after the
    next experiment nothing of the dead one is left.
    """
    chance = random.Random(number)
    project = Project(folder, subject)
    project.write("raw.txt", "raw.txt, staged\n")
    project.git("add", "raw.txt")
    project.write("more.txt", "more.txt, not staged\n")
    before = _of_the_user(project)
    process = project.start_other("exp", "run", "-S", "params.json:alpha=5", "--temp")
    with suppress(subprocess.TimeoutExpired):
        process.wait(chance.uniform(0.3, 3.0))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not list(_at_work(project)), "quiet")
    found = _changes(before, _of_the_user(project), "after the kill")
    _experiment(project, "next", "--temp")
    if subject is Subject.AMELIO:  # the killed one waits in its queue
        finish(project.start_other("exp", "run", "--run-all"))
    found += _changes(before, _of_the_user(project), "after the next experiment")
    return found + [f"left behind: {name}" for name in _leftovers(project)]


def _experiment(project: Project, name: str, *words: str) -> None:
    value = f"params.json:alpha={sum(name.encode())}"
    done = finish(project.start_other("exp", "run", "-S", value, "-n", name, *words))
    assert done.returncode == 0, done.stderr


def _at_work(project: Project) -> Iterator[psutil.Process]:
    """Whoever stands in a copy of the repository, as isolated experiments do."""
    for process in psutil.process_iter(["cwd"]):
        if str(process.info["cwd"] or "").startswith(f"{project.root}/.dvc/tmp/"):
            yield process


def _is_busy(project: Project) -> bool:
    """Whether some experiment runs its stage d, which takes its time."""
    for process in _at_work(project):
        with suppress(psutil.Error):
            if "d=b.out" in process.cmdline():
                return True
    return False


def _kill_workers(project: Project) -> None:
    """Those who do the work, not the program that hands it out; DVC's is a worker itself."""
    workers = list(_at_work(project))
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words, place = process.info["cmdline"] or [], process.info["cwd"]
        if "queue-worker" in words and place == str(project.root):
            workers.append(process)
    for process in workers:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _results(project: Project) -> set[str]:
    names = project.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    return {name.rpartition("/")[2] for name in names}


def _of_the_user(project: Project) -> dict[str, str]:
    commands = {
        "the state of a file": ("status", "--porcelain"),
        "what is staged": ("diff", "--cached"),
        "a file": ("diff",),
        "a branch, a tag or a stash": ("for-each-ref", "refs/heads", "refs/tags", "refs/stash"),
        "HEAD": ("symbolic-ref", "HEAD"),
    }
    return {name: project.git(*words) for name, words in commands.items()}


def _changes(before: dict[str, str], after: dict[str, str], when: str) -> list[str]:
    return [f"{name} is another {when}" for name in before if before[name] != after[name]]


def _leftovers(project: Project) -> list[str]:
    """Refs that are nobody's result, worktrees, copies of the repository."""
    refs = ("refs/amelio", "refs/exps/exec", "refs/exps/temp", "refs/exps/stash")
    found = project.git("for-each-ref", "--format=%(refname)", *refs).split()
    found += project.git("worktree", "list", "--porcelain").split("worktree ")[2:]
    return found + [
        str(path.relative_to(project.root))
        for pattern in COPIES
        for path in project.root.glob(pattern)
        if path.is_dir()
    ]
