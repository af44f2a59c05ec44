"""Changes, failures, crowds and damage: bars B3, B5, B7, B9, B10 and B12 of docs/reliability.md.

Every bar here and in `kills` and `small_disk` says what it found wrong, in words; nothing when it
holds. Its third argument tells its variations apart: each number is another case.
"""

import atexit
import functools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import oracle
from tests.faults.project import Project, Subject, finish, wait_for

Bar = Callable[[Path, Subject, int], list[str]]


def changed_meanwhile(folder: Path, subject: Subject, number: int) -> list[str]:
    """B3: something changes while stage a runs, at a random time, in five ways."""
    chance = random.Random(number)
    change = CHANGES[number % len(CHANGES)]
    seconds = 0.5
    project = Project(folder, subject)
    project.stages(a=f"sleep={seconds}")
    project.commit("dvc.yaml")
    project.git("checkout", "-q", "-b", "other")
    project.write("raw.txt", "raw.txt of another branch\n")
    project.commit("raw.txt")
    project.git("checkout", "-q", "main")
    process = project.start()
    wait_for(lambda: project.marks("start a"), "stage a")
    time.sleep(chance.uniform(0.05, seconds - 0.1))
    change(project)
    finish(process)
    found = [] if project.marks("end a") else ["a was not run"]
    found += oracle.violations(project)
    return [f"{change.__name__}: {text}" for text in found]


def _an_input(project: Project) -> None:
    project.write("raw.txt", "raw.txt, other version\n")


def _an_input_keeping_size_and_time(project: Project) -> None:
    project.write("raw.txt", "raw.txt, FIRST version\n", keep_time=True)


def _a_parameter(project: Project) -> None:
    project.params(alpha=2)


def _the_branch(project: Project) -> None:
    project.git("checkout", "-q", "other")


def _the_command(project: Project) -> None:
    project.stages(a="sleep=0.4")


CHANGES = (_an_input, _an_input_keeping_size_and_time, _a_parameter, _the_branch, _the_command)


def failing_stage(folder: Path, subject: Subject, number: int) -> list[str]:
    """B5: a stage that fails leaves its last good output where it was; four kinds of outputs."""
    kind = ("cached", "uncached", "folder", "not committed")[number % 4]
    words = "as=folder " if kind == "folder" else ""
    project = Project(folder, subject)
    if kind == "uncached":
        project.flags["d"] = {"cache": False}
    project.stages(d=words)
    project.repro(*(["--no-commit"] if kind == "not committed" else []))
    output = "d.out/x" if kind == "folder" else "d.out"
    before = project.read(output)
    project.stages(d=f"{words}sleep=0")
    project.params(fail="d")
    done = project.repro()
    found = [] if done.returncode else ["a failing stage, and the exit code is 0"]
    if before is None or project.read(output) != before:
        found.append("the last good output is gone")
    if subject is Subject.AMELIO and not list(project.root.glob(".dvc/tmp/amelio/**/kept/*")):
        found.append("what the failed attempt made was not kept")
    project.params(fail="")
    return [f"{kind}: {text}" for text in [*found, *oracle.violations(project)]]


def two_runs(folder: Path, subject: Subject, number: int) -> list[str]:
    """B7: runs at once, every stage runs once: beside plain DVC, as in containers, as threads."""
    kind = ("with dvc", "in containers", "as threads")[number % 3]
    project = Project(folder, subject)
    project.stages(a="sleep=0.4", c="sleep=0.4")
    by_dvc = None
    if kind == "as threads":
        runs = [project.popen([sys.executable, "-c", THREADS[subject]])]
    else:
        under = ("unshare", "--pid", "--fork", "--mount-proc") if kind == "in containers" else ()
        runs = [project.start(under=under), project.start(under=under)]
        if kind == "with dvc":
            by_dvc = project.start(subject=Subject.DVC)
    ends = [finish(process) for process in runs]
    found = [f"a run exits with {end.returncode}" for end in ends if end.returncode]
    if by_dvc:
        finish(by_dvc)  # it may refuse, as it does while another `dvc repro` is at work
    times = {name: len(project.marks(f"start {name}")) for name in "abcd"}
    found += [f"{name} ran {n} times" for name, n in times.items() if n != 1]
    return [f"{kind}: {text}" for text in [*found, *oracle.violations(project)]]


_TWICE = """\
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    for each in [pool.submit(run) for _ in range(2)]:
        each.result()
"""
THREADS = {
    Subject.DVC: f"from dvc.repo import Repo\ndef run():\n    Repo().reproduce()\n{_TWICE}",
    Subject.AMELIO: f"""\
from amelio.actions.repro import ReproOptions, repro
from amelio.dvcio.workspace import open_workspace
def run():
    assert repro(open_workspace(is_quiet=True), ReproOptions(jobs=2)).exit_code == 0
{_TWICE}""",
}


def foreign_output(folder: Path, subject: Subject, number: int) -> list[str]:
    """B9: a stage that writes into another one's output, or its own input, is caught in time.

    In a repository whose files are copies of the cache's, hard links or symbolic links to them.
    """
    link = ("copy", "hardlink", "symlink")[number % 3]
    spoilt = ("a.out", "more.txt")[number // 3 % 2]
    project = Project(folder, subject)
    project.dvc("config", "cache.type", link)
    project.repro("a")
    project.forget_marks()
    project.stages(c=f"sleep=0.2 spoil={spoilt}")
    done = project.repro("a", "c", "d")
    found = [] if done.returncode else ["exit code 0"]
    if found == [] and spoilt not in done.stderr + done.stdout:
        found.append(f"the message does not name {spoilt}")
    if project.marks("start d"):
        found.append("a stage behind it was started")
    found += oracle.rotten_objects(project)
    project.stages()
    project.write("more.txt", "more.txt, first version\n")
    return [f"{link}, {spoilt}: {text}" for text in [*found, *oracle.violations(project)]]


def flipped_byte(folder: Path, subject: Subject, number: int) -> list[str]:
    """B10: an object of the cache is damaged; its bytes are never handed out as good ones."""
    chance = random.Random(number)
    path = chance.choice(["a.out", "b.out", "c.out", "d.out"])
    project = _finished(subject).copied(folder)
    good, damaged = project.read(path) or b"", project.cached(path)
    place = chance.randrange(len(good))
    bad = good[:place] + bytes([good[place] ^ (1 << chance.randrange(8))]) + good[place + 1 :]
    times = damaged.stat()
    damaged.chmod(0o644)
    damaged.write_bytes(bad)
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    damaged.chmod(0o444)
    found = []
    for run in (project.checkout, project.repro):
        (project.root / path).unlink(missing_ok=True)
        if run().returncode == 0 and project.read(path) != good:
            found.append(f"{run.__name__} hands out damaged bytes of {path} with exit code 0")
    return found


@functools.cache
def _finished(subject: Subject) -> Project:
    """A project that has run; only for copying."""
    project = Project(Path(tempfile.mkdtemp(prefix="amelio-finished-")) / "x", subject)
    atexit.register(shutil.rmtree, project.root.parents[1])
    project.repro()
    return project


def same_size_same_time(folder: Path, subject: Subject, number: int) -> list[str]:
    """B12: edits that leave size and time as they were, one after the other."""
    project = Project(folder, subject)
    project.repro("a")
    found = []
    for edit in range(5):
        project.forget_marks()
        project.write("raw.txt", f"raw.txt, vers. {number:03}.{edit}\n", keep_time=True)
        done = project.repro("a")
        if done.returncode:
            found.append(f"exit code {done.returncode}")
        if not project.marks("start a"):
            found.append("the edit was not seen")
        found += oracle.wrong_results(project)
    return found + oracle.violations(project)
