"""`amelio exp run --run-all` beside DVC's queue and `dvc exp run --temp`, on the same repositories.

Run: python benchmarks/bench_experiments.py [--only amelio] [--case 40x8 …]. Seconds of whole
commands; an experiment counts as right when its ref exists and its file has the right number.
What has not come to its end after PATIENCE_S is counted as it stands then; all takes at most half
an hour.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DVC = [sys.executable, "-W", "ignore", "-m", "dvc"]
AMELIO = [sys.executable, "-m", "amelio"]
PIPELINE = """\
stages:
  work:
    cmd: sleep {seconds}; cat params.yaml > out.txt
    params: [x]
    outs: [out.txt: {{cache: false}}]
"""
CASES = {"40x8": (40, 8, 1), "100x20": (100, 20, 1), "40x2 of 0 s": (40, 2, 0)}
PATIENCE_S = 170
LOOK_S = 15


def call(argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, or for PATIENCE_S.

    What it says goes to a file: DVC's workers keep their output open, and a pipe would wait for
    them.
    """
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            argv,
            cwd=folder,
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        )
        said.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, said.read())


def repository(folder: Path, seconds: float) -> Path:
    """A new repository with one stage that sleeps."""
    folder.mkdir(parents=True)
    for words in (
        ["init", "--quiet"],
        ["config", "user.name", "A"],
        ["config", "user.email", "a@b"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    call([*DVC, "init", "--quiet"], folder)
    (folder / "dvc.yaml").write_text(PIPELINE.format(seconds=seconds))
    (folder / "params.yaml").write_text("x: -1\n")
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", "init"], cwd=folder, check=True)
    return folder


def experiments(folder: Path) -> list[str]:
    """The refs of all experiments; DVC's own notes are not among them."""
    done = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)", "refs/exps/??/**"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def n_right(folder: Path, n: int) -> int:
    """How many of the numbers 0 … n-1 have an experiment with the right result."""
    found = set()
    for ref in experiments(folder):
        text = subprocess.run(
            ["git", "show", f"{ref}:out.txt"], cwd=folder, capture_output=True, text=True
        ).stdout
        if text.startswith("x: "):
            found.add(int(text[3:]))
    return len(found & set(range(n)))


def cpu_s() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def amelio(folder: Path, n: int, jobs: int) -> str:
    """Queue and run, as two commands."""
    values = ",".join(map(str, range(n)))
    started = time.perf_counter()
    call([*AMELIO, "exp", "run", "--queue", "-S", f"x={values}"], folder).check_returncode()
    queued_s, cpu = time.perf_counter() - started, cpu_s()
    started = time.perf_counter()
    call([*AMELIO, "exp", "run", "--run-all", "--jobs", str(jobs)], folder)
    took_s = time.perf_counter() - started
    each_s = (cpu_s() - cpu) / n
    return (
        f"queued in {queued_s:.2f} s, ran in {took_s:.1f} s, {each_s:.3f} CPU-s each, "
        f"{n_right(folder, n)} of {n} right"
    )


def dvc_queue(folder: Path, n: int, jobs: int) -> str:
    """DVC's queue with as many workers."""
    values = ",".join(map(str, range(n)))
    started = time.perf_counter()
    call([*DVC, "exp", "run", "--queue", "-S", f"x={values}"], folder).check_returncode()
    queued_s = time.perf_counter() - started
    started = time.perf_counter()
    call([*DVC, "queue", "start", "-j", str(jobs)], folder)
    next_look = started + LOOK_S
    while (took_s := time.perf_counter() - started) < PATIENCE_S:
        if len(experiments(folder)) >= n:
            break
        if time.perf_counter() > next_look:  # rarely, as it costs a second
            status = call([*DVC, "queue", "status"], folder).stdout
            if "Queued" not in status and "Running" not in status:
                break
            next_look = time.perf_counter() + LOOK_S
        time.sleep(0.2)
    call([*DVC, "queue", "stop", "--kill"], folder)
    return f"queued in {queued_s:.2f} s, ran in {took_s:.1f} s, {n_right(folder, n)} of {n} right"


def dvc_temp(folder: Path, n: int, jobs: int) -> str:
    """Several `dvc exp run --temp` at once, each started anew."""
    started = time.perf_counter()

    def one(number: int) -> int:
        if time.perf_counter() - started > PATIENCE_S:
            return 1
        return call([*DVC, "exp", "run", "--temp", "-S", f"x={number}"], folder).returncode

    with ThreadPoolExecutor(jobs) as pool:
        codes = list(pool.map(one, range(n)))
    failed = sum(code != 0 for code in codes)
    return (
        f"ran in {time.perf_counter() - started:.1f} s, {failed} failed, "
        f"{n_right(folder, n)} of {n} right"
    )


SIDES = {"amelio": amelio, "dvc queue": dvc_queue, "dvc --temp": dvc_temp}


def main() -> None:
    """Every case with every side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SIDES, action="append")
    parser.add_argument("--case", choices=CASES, action="append")
    chosen = parser.parse_args()
    for case in chosen.case or CASES:
        n, jobs, seconds = CASES[case]
        for name in chosen.only or SIDES:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                place = repository(Path(folder) / "repo", seconds)
                try:
                    print(f"{case:12} {name:10} {SIDES[name](place, n, jobs)}", flush=True)
                except subprocess.TimeoutExpired:
                    print(f"{case:12} {name:10} not done in {PATIENCE_S} s", flush=True)


if __name__ == "__main__":
    main()
