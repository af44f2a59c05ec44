"""A disk that is full when a result is recorded: bar B11 of docs/reliability.md.

Run as a program, in a mount namespace of its own, it makes the small disk, which goes with it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults import oracle
from tests.faults.project import Project, Subject, finish

DISK_BYTES = 16 << 20
OUTPUT_BYTES = 3 << 20
MOST_LEFT_BYTES = 1 << 20
N_LEVELS = 20
OWN_MOUNTS = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "-m")


def full_disk(folder: Path, subject: Subject, number: int) -> list[str]:
    """B11: a run on a disk with too little room; it ends well as soon as there is some.

    20 levels: from no room at all to nearly enough for the outputs and their copies in the cache.
    """
    folder.mkdir(parents=True)
    words = [sys.executable, "-m", "tests.faults.small_disk", str(folder), subject, str(number)]
    done = subprocess.run(
        [*OWN_MOUNTS, *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def mount(folder: Path, size_bytes: int) -> None:
    """A file system in memory; only for a process that has mounts of its own."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", str(folder)]
    subprocess.run(words, check=True)


def fill(folder: Path, left_bytes: int) -> Path:
    """The file that takes all room but `left_bytes`."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(folder)
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - left_bytes))
    return filler


def _on_the_disk(folder: Path, subject: Subject, number: int) -> list[str]:
    mount(folder, DISK_BYTES)
    project = Project(folder, subject)
    project.stages(a=f"size={OUTPUT_BYTES}")
    filler = fill(folder, number % N_LEVELS * (2 * OUTPUT_BYTES + (200 << 10)) // N_LEVELS)
    done = finish(project.start("a"))
    found = []
    if done.returncode == 0:
        found.append("exit code 0 on a full disk")
    if not any(
        word in done.stderr + done.stdout for word in ("No space left", "disk is full", " left")
    ):
        found.append(f"no word of the disk: {(done.stderr or done.stdout).strip()[-200:]}")
    lock = project.read("dvc.lock")
    if lock is not None and not lock.endswith(b"\n"):
        found.append("dvc.lock is torn")
    n_runs = len(project.marks("end a"))
    left = sum(path.stat().st_size for path in _leftovers(project))
    if left > MOST_LEFT_BYTES:
        found.append(f"{left >> 20} MiB of broken files are left on the disk")
    filler.unlink()
    found += oracle.violations(project)
    if n_runs and len(project.marks("end a")) > n_runs:
        found.append("a had ended, and was run again")
    return [f"{number % N_LEVELS * 100 // N_LEVELS} % of what it needs: {text}" for text in found]


def _leftovers(project: Project) -> list[Path]:
    """Files of the cache that are no objects: nobody will ever use them."""
    paths = [path for path in (project.root / ".dvc/cache").rglob("*") if path.is_file()]
    return [path for path in paths if not set(path.name) <= set("0123456789abcdef.dir")]


if __name__ == "__main__":
    print(json.dumps(_on_the_disk(Path(sys.argv[1]), Subject(sys.argv[2]), int(sys.argv[3]))))
