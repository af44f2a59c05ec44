"""DVC's own tests of `repro`, run with amelio's engine in place of `Repo.reproduce`; those of
`exp show`, run with amelio's reading in place of `Repo.experiments.show`; and those of `exp run`,
`remove`, `diff` and `--set-param`, run with amelio's in place of DVC's.

Run: python tests/contracts/run_peer_tests.py [DIST.tar.gz]. Without an argument the source
distribution is fetched with pip. What DVC's tests need beside amelio's is installed into a folder
of its own. Nothing of DVC is copied here.
"""

import os
import re
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

SHOW = "tests/func/experiments/test_show.py"
NOT_OURS_OF_SHOW = {
    "test_show_failed_experiment": "waits for DVC's queue, which took more than 60 s",
    "test_show_running": "counts calls of collect_active_data, which we make only where DVC left "
    "the note of a run",
    "test_show_queued_error": "breaks scm.resolve_commit, which we do not call",
    "test_show_completed_error": "breaks scm.resolve_commit, which we do not call",
    "test_show_baseline_error": "breaks scm.resolve_commit, which we do not call",
}

EXPERIMENTS = [
    f"tests/func/experiments/test_{name}.py"
    for name in ("experiments", "remove", "set_params", "diff")
]
NOT_OURS_OF_EXPERIMENTS = {
    "set_params.py::test_hydra_sweep_requires_queue": "a grid runs without --queue as well",
    "experiments.py::test_new_simple": "counts calls of DVC's TempDirExecutor and WorkspaceQueue",
    "experiments.py::test_experiment_exists": "a name that is taken is refused before anything "
    "runs, not after",
    "experiments.py::test_packed_args_exists": "is about a file that DVC's executor unpickles",
    "experiments.py::test_run_env": "replaces DVC's get_studio_config, which we do not call",
}


def main() -> int:
    """0 when at every number of jobs all tests pass but those of NOT_OURS."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = unpack(Path(sys.argv[1]) if len(sys.argv) > 1 else download(root), root)
        extras = root / "extras"
        pip("install", "--quiet", "--target", str(extras), *NEEDS)
        codes = [run(source, extras, jobs) for jobs in JOBS]
        codes += [run_show(source, extras), run_experiments(source, extras)]
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
    """Run the tests of `repro`; pytest's exit code."""
    print(f"DVC {DVC}: {TESTS} with amelio's engine, {jobs} jobs", flush=True)
    left_out = [f"{TESTS}/test_repro.py::{name}" for name in NOT_OURS]
    variables = {"AMELIO_PEER_JOBS": str(jobs)}
    return _pytest("peer_plugin", source, extras, [TESTS], left_out, 77, **variables)


def run_show(source: Path, extras: Path) -> int:
    """Run the tests of `exp show`; pytest's exit code."""
    print(f"DVC {DVC}: {SHOW} with amelio's reading", flush=True)
    left_out = [f"{SHOW}::{name}" for name in NOT_OURS_OF_SHOW]
    return _pytest("peer_show_plugin", source, extras, [SHOW], left_out, 15)


def run_experiments(source: Path, extras: Path) -> int:
    """Run the tests of what else of `exp` is amelio's; pytest's exit code."""
    print(f"DVC {DVC}: {' '.join(EXPERIMENTS)} with amelio's commands", flush=True)
    return _pytest(
        "peer_experiments_plugin",
        source,
        extras,
        EXPERIMENTS,
        [f"tests/func/experiments/test_{name}" for name in NOT_OURS_OF_EXPERIMENTS],
        97,
    )


def _pytest(
    plugin: str,
    source: Path,
    extras: Path,
    tests: list[str],
    left_out: list[str],
    n_least: int,
    **variables: str,
) -> int:
    """Run tests of DVC's; pytest's exit code, or 1 when fewer than `n_least` passed."""
    here = Path(__file__).resolve().parent
    paths = [str(here), str(here.parents[1] / "src"), *site_packages(), str(extras)]
    argv = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", plugin, "-W", "ignore"]
    argv += ["-q", "-n", "2", "--timeout", "60", "-p", "no:cacheprovider"]
    argv += [f"--deselect={test}" for test in left_out]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `dvc` is there
    env = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(paths), "PATH": programs}
    done = subprocess.run([*argv, *tests], cwd=source, env=env, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    n_passed = re.search(r"(\d+) passed", done.stdout)
    if n_passed is None or int(n_passed[1]) < n_least:
        print(f"expected at least {n_least} tests to pass")
        return done.returncode or 1
    return done.returncode


def site_packages() -> list[str]:
    """Before the extras, so that they bring no other DVC."""
    return [path for path in sys.path if path.endswith("site-packages")]


if __name__ == "__main__":
    sys.exit(main())
