"""`amelio repro` and `dvc repro` on the same repositories, one after the other.

Run: python benchmarks/bench_engine.py [--quick]. Seconds of whole commands, both compiled as pip
leaves them: PYTHONDONTWRITEBYTECODE, which keeps an editable amelio from that, is not passed on.
Nothing is deleted before the end: for half a minute after many files were deleted, ext4 takes up to
0.4 ms of CPU to make a new one, instead of 0.015 ms.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SHAPES = Path(__file__).parents[1] / "tests/dvcio/shapes"
N_IMAGES = 60_000
DAGS = 3
JOBS = 8
DVC = [sys.executable, "-W", "ignore", "-m", "dvc"]
AMELIO = [sys.executable, "-m", "amelio"]


def run(argv: list[str], folder: Path) -> float:
    """Seconds that a command takes."""
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, env=env)
    return time.perf_counter() - started


def repository(folder: Path, stages: str) -> Path:
    """A new repository with these stages."""
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    run([*DVC, "init", "--quiet"], folder)
    (folder / "dvc.yaml").write_text("stages:\n" + stages)
    return folder


def fan(n: int, command: str) -> str:
    """`n` independent stages and one that joins them."""
    text = "".join(f"  s{i}:\n    cmd: {command} > o{i}\n    outs: [o{i}]\n" for i in range(n))
    deps = "".join(f"      - o{i}\n" for i in range(n))
    return f"{text}  join:\n    cmd: cat o* > join\n    deps:\n{deps}    outs: [join]\n"


def dag(n: int, seed: int) -> tuple[list[list[int]], list[int]]:
    """A random graph: what each stage needs, and how many stages the longest chain from it has."""
    chance = random.Random(seed)
    needs = [chance.sample(range(i), min(i, chance.randint(0, 2))) for i in range(n)]
    chain = [1] * n
    for i in reversed(range(n)):
        for need in needs[i]:
            chain[need] = max(chain[need], chain[i] + 1)
    return needs, chain


def command(i: int) -> str:
    """Of a stage of a graph: it takes a second."""
    return f"sleep 1; echo {i} > o{i}"


def as_stages(needs: list[list[int]]) -> str:
    """The graph as DVC has it."""
    lines = []
    for i, deps in enumerate(needs):
        listed = f"    deps: [{', '.join(f'o{dep}' for dep in deps)}]\n" if deps else ""
        lines.append(f"  s{i}:\n    cmd: {command(i)}\n{listed}    outs: [o{i}]\n")
    return "".join(lines)


def bare_loop(needs: list[list[int]], chain: list[int], folder: Path) -> float:
    """Seconds of a loop that starts the same commands in the same order and does nothing else."""
    folder.mkdir()
    left = sorted(range(len(needs)), key=lambda i: -chain[i])
    done: set[int] = set()
    running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}
    started = time.perf_counter()
    while left or running:
        for i in [i for i in left if done.issuperset(needs[i])][: JOBS - len(running)]:
            left.remove(i)
            process = subprocess.Popen(["/bin/sh", "-c", command(i)], cwd=folder)
            running[process.pid] = i, process
        pid, _status = os.wait()
        done.add(running.pop(pid)[0])
    return time.perf_counter() - started


def compare(
    folder: Path,
    name: str,
    make: Callable[[Path], Path],
    ours: list[str],
    theirs: list[str] | None,
) -> None:
    """One line of the table, and one for the run after it, in which there is nothing to do."""
    mine = make(folder / name / "amelio")
    took = run([*AMELIO, "repro", *ours], mine)
    idle = min(run([*AMELIO, "repro", *ours], mine) for _ in range(2))
    full = run([*AMELIO, "repro", "--no-fast", *ours], mine)
    line = f"{name:34} amelio {took:7.2f} s, nothing to do {idle:5.2f} s (in full {full:5.2f} s)"
    if theirs is not None:
        other = make(folder / name / "dvc")
        line += f"   dvc {run([*DVC, 'repro', *theirs], other):7.2f} s,"
        line += f" nothing to do {run([*DVC, 'repro', *theirs], other):5.2f} s"
        assert _locks(mine) == _locks(other)
    print(line, flush=True)


def _locks(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("dvc.lock")}


def images(folder: Path) -> Path:
    """A repository whose one stage depends on many files."""
    made = repository(
        folder, "  a:\n    cmd: ls images | wc -l > a\n    deps: [images]\n    outs: [a]\n"
    )
    (made / "images").mkdir()
    for i in range(N_IMAGES):
        (made / "images" / f"{i:06}.jpg").write_text(str(i))
    return made


def shapes(folder: Path) -> Path:
    """A repository with what public pipelines have: foreach, matrix, vars, several `dvc.yaml`."""
    made = repository(folder, "")
    shutil.copytree(SHAPES, made, dirs_exist_ok=True)
    (made.parent / "shared.txt").write_text("shared\n")  # what a stage needs from outside
    run([*DVC, "add", "--quiet", "data/raw.txt"], made)
    return made


def walk_seconds(folder: Path) -> float:
    """Walk and stat, as plainly as Python can; the best of three."""
    taken_s = []
    for _ in range(3):
        started = time.perf_counter()
        for entry in os.scandir(folder):
            entry.stat()
        taken_s.append(time.perf_counter() - started)
    return min(taken_s)


def main() -> None:
    """All cases, or with --quick the short ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        _short(Path(folder))
        if not is_quick:
            _long(Path(folder))


def _short(folder: Path) -> None:
    sleep = fan(16, "sleep 1; echo")
    compare(
        folder,
        "16 x sleep 1 and a join, -j 16",
        lambda f: repository(f, sleep),
        ["-j", "16"],
        [],
    )
    trivial = fan(100, "echo")
    compare(folder, "101 trivial stages, -j 2", lambda f: repository(f, trivial), ["-j", "2"], [])
    compare(folder, "15 stages of public shapes, -j 2", shapes, ["-P", "-j", "2"], ["-P"])


def _long(folder: Path) -> None:
    trivial = fan(1000, "echo")
    compare(
        folder, "1001 trivial stages, -j 2", lambda f: repository(f, trivial), ["-j", "2"], None
    )
    seconds = walk_seconds(images(folder / "walked") / "images")
    print(f"walk and stat of {N_IMAGES} files: {seconds:.2f} s; goal for nothing to do: twice")
    compare(folder, f"{N_IMAGES} files as a dependency", images, [], [])
    for seed in range(1, 1 + DAGS):
        needs, chain = dag(200, seed)
        bare_s = bare_loop(needs, chain, folder / f"bare{seed}")
        least_s = max(max(chain), len(needs) // JOBS)
        print(f"graph {seed}: at least {least_s} s; a loop that only starts them {bare_s:.2f} s")
        compare(
            folder,
            f"200 stages of 1 s, graph {seed}, -j {JOBS}",
            partial(repository, stages=as_stages(needs)),
            ["-j", str(JOBS)],
            None,
        )


if __name__ == "__main__":
    main()
