"""The faults, each as a function: what it found wrong, in words; nothing when the bar holds.

Numbers are those of docs/reliability.md.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults import oracle
from tests.faults.project import Project, Subject, finish, is_alive, wait_for

STRACE = ("strace", "-f", "-qq", "-o", "/dev/null")  # never --seccomp-bpf: no fault would fire
Bar = Callable[[Path, Subject], list[str]]


def changed_input(folder: Path, subject: Subject) -> list[str]:
    """B3: an input that changes while its stage runs."""
    return _changed(folder, subject, lambda p: p.write("raw.txt", "raw.txt, other version\n"))


def changed_param(folder: Path, subject: Subject) -> list[str]:
    """B3: a parameter that changes while its stage runs."""
    return _changed(folder, subject, lambda p: p.params(alpha=2))


def changed_input_with_old_time(folder: Path, subject: Subject) -> list[str]:
    """B3: the same, with size and time of the old one."""
    text = "raw.txt, FIRST version\n"
    return _changed(folder, subject, lambda p: p.write("raw.txt", text, keep_time=True))


def changed_branch(folder: Path, subject: Subject) -> list[str]:
    """B3: another branch is checked out while a stage runs."""

    def switch(project: Project) -> None:
        project.git("checkout", "-q", "other")

    def prepare(project: Project) -> None:
        project.git("checkout", "-q", "-b", "other")
        project.write("raw.txt", "raw.txt of another branch\n")
        project.commit("raw.txt")
        project.git("checkout", "-q", "main")

    return _changed(folder, subject, switch, prepare)


def _changed(
    folder: Path,
    subject: Subject,
    change: Callable[[Project], None],
    prepare: Callable[[Project], None] = lambda _: None,
) -> list[str]:
    project = Project(folder, subject)
    project.stages(a="sleep=0.7")
    project.commit("dvc.yaml")
    prepare(project)
    process = project.start()
    wait_for(lambda: project.marks("start a"), "stage a")
    time.sleep(0.2)
    change(project)
    finish(process)
    return oracle.violations(project)


def orphans(folder: Path, subject: Subject) -> list[str]:
    """B2: the runner is killed; five stubborn descendants must be dead within 2 s."""
    project = Project(folder, subject)
    project.stages(a="child=4 sleep=30")
    process = project.start("a")
    wait_for(lambda: len(project.marks("child of")) == 4, "four children")
    process.kill()
    process.wait(60)
    family = [*project.marks("child of"), *project.marks("start a")]
    until = time.monotonic() + 2
    while time.monotonic() < until and any(map(is_alive, family)):
        time.sleep(0.02)
    alive = [pid for pid in family if is_alive(pid)]
    for pid in alive:
        os.kill(int(pid), signal.SIGKILL)
    process.communicate(timeout=60)  # at last nobody holds its output open
    return [f"{len(alive)} of {len(family)} processes live on 2 s after the kill"] if alive else []


def finished_work(folder: Path, subject: Subject) -> list[str]:
    """B4: the runner is killed right after a command has ended; its work is not done again."""
    found = []
    for i, delay_s in enumerate((0.0, 0.004, 0.012, 0.03, 0.08)):
        project = Project(folder / str(i), subject)
        process = project.start("a")
        wait_for(lambda p=project: p.marks("end a"), "the end of a")  # type: ignore[misc]
        pid = project.marks("end a")[0]
        wait_for(lambda pid=pid: not is_alive(pid), "the exit of a")  # type: ignore[misc]
        time.sleep(delay_s)
        process.kill()
        process.communicate(timeout=60)
        found += oracle.not_mended(project)
        if len(project.marks("start a")) > 1:
            found.append(f"killed {delay_s:g} s after its end, a was run again")
    return found


def failing_stage(folder: Path, subject: Subject) -> list[str]:
    """B5: a stage that fails leaves its last good output where it was."""
    project = Project(folder, subject)
    project.repro()
    before = project.read("a.out")
    project.params(alpha=2, fail="a")
    done = project.repro()
    found = [] if done.returncode else ["a failing stage, and the exit code is 0"]
    if project.read("a.out") != before:
        found.append("the last good output is gone")
    project.params(fail="")
    return found + oracle.violations(project)


def interrupted(folder: Path, subject: Subject) -> list[str]:
    """B6: Ctrl-C: exit code 130 within 5 s, no further stage, nothing half recorded."""
    project = Project(folder, subject)
    project.stages(a="sleep=8")
    process = project.start("d")
    wait_for(lambda: project.marks("start a"), "stage a")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    found = [] if done.returncode == 130 else [f"exit code {done.returncode} after Ctrl-C"]
    if time.monotonic() - begun > 5:
        found.append("more than 5 s until the prompt was back")
    if project.marks("start b"):
        found.append("a further stage was started")
    for pid in project.marks("start a"):
        if is_alive(pid):
            os.kill(int(pid), signal.SIGKILL)
    project.stages()
    return found + oracle.violations(project)


def two_runs(folder: Path, subject: Subject) -> list[str]:
    """B7: two runs at once: both end well, every stage runs once."""
    return _two_runs(folder, subject)


def two_containers(folder: Path, subject: Subject) -> list[str]:
    """B7: the same, each in a world of processes of its own, as in containers."""
    return _two_runs(folder, subject, under=("unshare", "--pid", "--fork", "--mount-proc"))


def _two_runs(folder: Path, subject: Subject, under: Sequence[str] = ()) -> list[str]:
    project = Project(folder, subject)
    project.stages(a="sleep=0.4", c="sleep=0.4")
    ends = [finish(process) for process in [project.start(under=under), project.start(under=under)]]
    found = [f"a run exits with {end.returncode}" for end in ends if end.returncode]
    runs = {name: len(project.marks(f"start {name}")) for name in "abcd"}
    found += [f"{name} ran {n} times" for name, n in runs.items() if n != 1]
    return found + oracle.violations(project)


def foreign_output(folder: Path, subject: Subject) -> list[str]:
    """B9: a stage that writes into another one's output is caught before anything builds on it."""
    project = Project(folder, subject)
    project.stages(c="sleep=0.5 spoil=a.out")  # by then a has ended
    done = project.repro("a", "c", "d")
    found = [] if done.returncode else ["exit code 0"]
    if found == [] and "a.out" not in done.stderr + done.stdout:
        found.append("the message does not name the output")
    if project.marks("start d"):
        found.append("a stage behind it was started")
    project.stages()
    return found + oracle.violations(project)


def flipped_bytes(folder: Path, subject: Subject) -> list[str]:
    """B10: an object of the cache is damaged; its bytes are never handed out as good ones."""
    project = Project(folder, subject)
    project.repro()
    good, damaged = project.read("c.out") or b"", project.cached("c.out")
    damaged.chmod(0o644)
    times = damaged.stat()
    damaged.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    damaged.chmod(0o444)
    found = []
    for run in (project.checkout, project.repro):
        (project.root / "c.out").unlink(missing_ok=True)
        if run().returncode == 0 and project.read("c.out") != good:
            found.append(f"{run.__name__} hands out damaged bytes with exit code 0")
    return found


def same_size_same_time(folder: Path, subject: Subject) -> list[str]:
    """B12: an edit that leaves size and time as they were."""
    project = Project(folder, subject)
    project.repro()
    project.forget_marks()
    project.write("raw.txt", "raw.txt, FIRST version\n", keep_time=True)
    done = project.repro()
    found = [f"exit code {done.returncode}"] if done.returncode else []
    if not project.marks("start a"):
        found.append("the edit was not seen")
    return found + oracle.violations(project)


def torn_lock(folder: Path, subject: Subject) -> list[str]:
    """B1: SIGKILL in the middle of writing `dvc.lock`, or DVC's lock of paths."""
    found = []
    for path in ("dvc.lock", ".dvc/tmp/rwlock"):
        project = Project(folder / Path(path).name, subject)
        project.repro("a")
        kill = ["-e", "trace=write", "-P", str(project.root / path), "-e"]
        finish(project.start(under=[*STRACE, *kill, "inject=write:signal=KILL:when=1"]))
        wait_for(lambda p=project: not any(map(is_alive, p.marks("start"))), "quiet")  # type: ignore[misc]
        found += [f"{path}: {text}" for text in oracle.violations(project)]
    return found


def kill_sweep(folder: Path, subject: Subject, n_points: int = 6, seed: int = 0) -> list[str]:
    """B1: SIGKILL at system calls that change files; the next run mends everything by itself."""
    calls = "rename,renameat2,unlink,unlinkat,mkdir,chmod,fchmodat,ftruncate,fsync,link,symlink"
    chance = random.Random(seed)
    found = []
    for i in range(n_points):
        when = chance.randint(1, 60)
        project = Project(folder / str(i), subject)
        faults = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={when}"]
        process = project.start(under=[*STRACE, *faults])
        finish(process)
        wait_for(lambda p=project: not any(map(is_alive, p.marks("start"))), "quiet")  # type: ignore[misc]
        found += [f"killed at call {when}: {text}" for text in oracle.violations(project)]
    return found
