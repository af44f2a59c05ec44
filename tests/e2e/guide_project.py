"""A whole project that has been run once, for all tests that need one: few digits, one epoch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from amelio.actions.demo import CHANGES
from amelio.actions.lots import sync_lots
from amelio.actions.new import new_project
from amelio.actions.params_file import edit_params
from amelio.demos.collection import Collection, write_collection
from amelio.dvcio.project import commit_all, ensure_identity

N_IMAGES = 140
LOTS = ("s1", "s2")
TINY = {
    "data.image_size": 16,
    "data.val_split": 0.2,
    "data.train_split": 0.8,
    "evaluate.test_size": 0.2,
    "hyperopt.max_evals": 1,
    "hyperopt.epochs": 1,
    "hyperopt.threads": 1,
    "train.epochs": 1,
    "train.threads": 1,
    "compare.n_resamples": 1000,
    "performance.n_images": 4,
    "performance.rounds": 2,
    "performance.round_s": 0.001,
    "performance.batch_sizes": [1],
    "quality.on_alert": "warn",
}
# They judge each model at length, and are no part of what the commands are tried for.
FROZEN = ("compare_models", "monitor_drift", "performance_test")


FIRST_RUN = "first_run.txt"


def copy_project(shared: Path, folder: Path) -> Path:
    """A fresh copy, in `folder`, of the project that is kept in `shared`, which has been run.

    What `amelio repro` printed then is in FIRST_RUN, beside it.
    """
    with FileLock(shared / "guide_project.lock"):
        kept = shared / "guide_project"
        if not (kept / "done").exists():
            _make(kept / "project")
            (kept / "done").touch()
    shutil.copy(kept / FIRST_RUN, folder.parent)
    return Path(shutil.copytree(kept / "project", folder, symlinks=True))


def _make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    write_collection(Collection.DIGITS, folder, N_IMAGES, seed=0, workers=1)
    for lot in (folder / "data/raw").iterdir():
        if lot.name not in LOTS:
            shutil.rmtree(lot)
    new_project(folder)
    edit_params(folder / "params.yaml", CHANGES[Collection.DIGITS] | TINY)
    ensure_identity(folder)
    sync_lots(folder)
    commit_all(folder, "Add the images and the vision pipeline")
    folder.with_name(FIRST_RUN).write_text(_amelio(folder, "repro", "--jobs", "2"))
    _amelio(folder, "freeze", *FROZEN)
    commit_all(folder, "Run the pipeline")


def _amelio(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "amelio", *words]
    done = subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
