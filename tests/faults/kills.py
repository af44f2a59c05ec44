"""Kills and signals: what they leave behind. Bars B1, B2, B4 and B6 of docs/reliability.md."""

import functools
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import oracle
from tests.faults.project import Project, Subject, finish, is_alive, wait_for

STRACE = ("strace", "-qq")  # never --seccomp-bpf: with it no fault fires
CALLS = (
    "write,rename,unlink,unlinkat,mkdir,rmdir,chmod,fchmod,fchmodat,ftruncate,fsync,fdatasync,"
    "sendfile,copy_file_range,link,symlink"
)
GOLDEN = 0.6180339887498949  # its multiples lie evenly between 0 and 1, however many are taken
_MAKING = threading.Lock()
BEGINNINGS = ("first run", "changed inputs", "known inputs", "failing stage")


@functools.cache
def _begun(subject: Subject, beginning: str) -> "_Begun":
    with _MAKING:
        return _Begun(subject, beginning)


class _Begun:
    """A project in the state in which the run begins that is going to be killed.

    n_calls: how many calls that change files the undisturbed run makes, in its main process
    """

    def __init__(self, subject: Subject, beginning: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="amelio-begun-")
        folder = Path(self._folder.name)
        self.project = Project(folder / "begun", subject)
        if beginning != "first run":
            self._go_on(beginning)
        trial, log = self.project.copied(folder / "trial"), folder / "calls"
        under = [*STRACE, "-o", str(log), "-e", f"trace={CALLS}", "-e", "signal=none"]
        finish(trial.start(under=under))
        self.n_calls = len(log.read_text().splitlines())

    def _go_on(self, beginning: str) -> None:
        project = self.project
        project.repro()
        oracle.wrong_results(project)  # which learns them
        project.write("raw.txt", "raw.txt, other version\n")
        project.write("more.txt", "more.txt, other version\n")
        if beginning == "known inputs":
            project.repro()
            for path in Project.SOURCES:
                project.write(path, f"{path}, first version\n")
        if beginning == "failing stage":
            project.params(fail="b")


def kill_sweep(folder: Path, subject: Subject, number: int) -> list[str]:
    """B1: SIGKILL at a system call that changes files; the next run mends everything by itself.

    Calls of four kinds of runs, spread evenly over each from its first to its last.
    """
    beginning = BEGINNINGS[number % len(BEGINNINGS)]
    begun = _begun(subject, beginning)
    when = 1 + int((number // len(BEGINNINGS) * GOLDEN) % 1 * begun.n_calls)
    project = begun.project.copied(folder)
    fault = ["-e", f"trace={CALLS}", "-e", f"inject={CALLS}:signal=KILL:when={when}"]
    finish(project.start(under=[*STRACE, "-o", "/dev/null", *fault]))
    _wait_until_quiet(project)
    project.params(fail="")
    return [f"{beginning}, killed at call {when}: {text}" for text in oracle.violations(project)]


def torn_file(folder: Path, subject: Subject, number: int) -> list[str]:
    """B1: SIGKILL in the middle of writing `dvc.lock`, or DVC's lock of paths."""
    path = ("dvc.lock", ".dvc/tmp/rwlock")[number % 2]
    project = Project(folder, subject)
    project.repro("a")
    fault = ["-e", "trace=write", "-P", str(project.root / path)]
    fault += ["-e", "inject=write:signal=KILL:when=1"]
    finish(project.start(under=[*STRACE, "-f", "-o", "/dev/null", *fault]))
    _wait_until_quiet(project)
    return [f"{path}: {text}" for text in oracle.violations(project)]


def _wait_until_quiet(project: Project) -> None:
    wait_for(lambda: not any(map(is_alive, project.marks("start"))), "quiet")


def orphans(folder: Path, subject: Subject, number: int) -> list[str]:
    """B2: the runner is killed; five stubborn descendants must be dead within 2 s."""
    project = Project(folder, subject)
    project.stages(a="child=4 signal=ignore sleep=30")
    process = project.start("a")
    wait_for(lambda: len(project.marks("child of")) == 4, "four children")
    process.send_signal((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)[number % 3])
    process.wait(60)
    family = [*project.marks("child of"), *project.marks("start a")]
    until = time.monotonic() + 2
    while time.monotonic() < until and any(map(is_alive, family)):
        time.sleep(0.02)
    alive = [pid for pid in family if is_alive(pid)]
    _kill(alive)
    process.communicate(timeout=60)  # at last nobody holds its output open
    return [f"{len(alive)} of {len(family)} processes live on 2 s after the end"] if alive else []


def _kill(pids: Sequence[str]) -> None:
    for pid in pids:
        if is_alive(pid):
            os.kill(int(pid), signal.SIGKILL)


def finished_work(folder: Path, subject: Subject, number: int) -> list[str]:
    """B4: the runner is killed right after a command has ended; its work is not done again."""
    delay_s = 0.1 * (number * GOLDEN) % 0.1
    project = Project(folder, subject)
    process = project.start("a")
    wait_for(lambda: project.marks("end a"), "the end of a")
    pid = project.marks("end a")[0]
    wait_for(lambda: not is_alive(pid), "the exit of a")
    time.sleep(delay_s)
    process.kill()
    process.communicate(timeout=60)
    found = oracle.not_mended(project)
    if len(project.marks("start a")) > 1:
        found.append(f"killed {delay_s:g} s after its end, a was run again")
    return found


HOLD = """\
import sys, time
from pathlib import Path
from zc.lockfile import LockFile
lock = LockFile(".dvc/tmp/lock")
print("held", flush=True)
while not Path(sys.argv[1]).exists(): time.sleep(0.01)
time.sleep(6)
lock.close()
"""


def locked_out(folder: Path, subject: Subject, number: int) -> list[str]:
    """B4: another program has DVC's lock when a command ends; its work is recorded all the same."""
    project = Project(folder, subject)
    project.stages(a="sleep=0.7")
    process = project.start("a")
    wait_for(lambda: project.marks("start a"), "stage a")
    time.sleep(0.1 + 0.04 * (number % 10))
    ended = folder / "ended"
    holder = project.popen([sys.executable, "-c", HOLD, str(ended)])
    wait_for(lambda: project.marks("end a"), "the end of a")
    ended.touch()
    done = finish(process)
    finish(holder)
    found = [f"exit code {done.returncode}"] if done.returncode else []
    found += oracle.violations(project)
    if len(project.marks("start a")) > 1:
        found.append("a was run again")
    return found


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def interrupted(folder: Path, subject: Subject, number: int) -> list[str]:
    """B6: a signal ends the run within 5 s: no further stage, nothing half recorded.

    24 ways: four signals, to the program or to its group, against a command that ignores it, or
    exits with 0 or 1 and leaves half an output.
    """
    sent = SIGNALS[number % 4]
    is_group = bool(number // 4 % 2)
    answer = ("ignore", "0", "1")[number // 8 % 3]
    project = Project(folder, subject)
    project.stages(a=f"signal={answer} sleep=8")
    process = project.start("d")
    wait_for(lambda: project.marks("start a"), "stage a")
    begun = time.monotonic()
    if is_group:
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    done = finish(process)
    found = []
    if done.returncode not in (128 + sent, -sent):
        found.append(f"exit code {done.returncode} after {sent.name}")
    if time.monotonic() - begun > 5:
        found.append("more than 5 s until the prompt was back")
    if project.marks("start b"):
        found.append("a further stage was started")
    _kill(project.marks("start a"))
    project.stages()
    return found + oracle.violations(project)


def interrupted_twice(folder: Path, subject: Subject, number: int) -> list[str]:
    """B6: a second Ctrl-C within the time of grace ends everything within 1 s."""
    project = Project(folder, subject)
    project.stages(a="signal=ignore sleep=20")
    process = project.start("a")
    wait_for(lambda: project.marks("start a"), "stage a")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.1 + 0.3 * (number % 10))
    os.killpg(process.pid, signal.SIGINT)
    begun = time.monotonic()
    process.wait(60)
    found = ["more than 1 s after the second Ctrl-C"] if time.monotonic() - begun > 1 else []
    found += [f"{pid} lives on" for pid in project.marks("start a") if is_alive(pid)]
    _kill(project.marks("start a"))
    process.communicate(timeout=60)
    return found
