"""DVC's own tests of `repro`, run with amelio's engine in place of `Repo.reproduce`.

Run: python tests/contracts/run_peer_tests.py [DIST.tar.gz]. Without an argument the source
distribution is fetched with pip. What DVC's tests need beside amelio's is installed into a folder
of its own. Nothing of DVC is copied here.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

DVC = "3.67.1"
TESTS = "tests/func/repro"
NEEDS = ["dvc-ssh", "pytest-docker<4", "pytest-mock", "pytest-test-utils", "pytest-rerunfailures"]
JOBS = (1, 4)
NOT_OURS = {
    "test_repro_when_cmd_changes": "counts calls of dvc.stage.run.cmd_run",
    "test_repro_all_pipelines": "replaces dvc.repo.reproduce._reproduce_stage and counts its calls",
    "test_repro_keep_going": "replaces dvc.repo.reproduce._reproduce_stage and counts its calls",
    "test_repro_ignore_errors": "replaces dvc.repo.reproduce._reproduce_stage and counts its calls",
}


def main() -> int:
    """0 when at every number of jobs all tests pass but those of NOT_OURS."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = unpack(Path(sys.argv[1]) if len(sys.argv) > 1 else download(root), root)
        extras = root / "extras"
        pip("install", "--quiet", "--target", str(extras), *NEEDS)
        codes = [run(source, extras, jobs) for jobs in JOBS]
    return max(codes)


def pip(*words: str) -> None:
    """Run pip."""
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)


def download(folder: Path) -> Path:
    """DVC's source distribution."""
    words = ["download", "--quiet", "--no-deps", "--no-binary", "dvc"]
    pip(*words, "--dest", str(folder), f"dvc=={DVC}")
    return next(folder.glob("dvc-*.tar.gz"))


def unpack(archive: Path, folder: Path) -> Path:
    """The unpacked sources, without the package itself: the installed one is tested."""
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    source = folder / f"dvc-{DVC}"
    (source / "dvc").rename(source / "dvc-sources-unused")
    return source


def run(source: Path, extras: Path, jobs: int) -> int:
    """Run the tests; pytest's exit code."""
    here = Path(__file__).resolve().parent
    paths = [str(here), str(here.parents[1] / "src"), *site_packages(), str(extras)]
    deselected = [f"--deselect={TESTS}/test_repro.py::{name}" for name in NOT_OURS]
    argv = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "peer_plugin", "-W", "ignore"]
    argv += ["-q", "-n", "2", "--timeout", "60", "-p", "no:cacheprovider", *deselected, TESTS]
    env = {**os.environ, "AMELIO_PEER_JOBS": str(jobs), "PYTHONPATH": os.pathsep.join(paths)}
    print(f"DVC {DVC}: {TESTS} with amelio's engine, {jobs} jobs", flush=True)
    return subprocess.run(argv, cwd=source, env=env).returncode


def site_packages() -> list[str]:
    """Before the extras, so that they bring no other DVC."""
    return [path for path in sys.path if path.endswith("site-packages")]


if __name__ == "__main__":
    sys.exit(main())
