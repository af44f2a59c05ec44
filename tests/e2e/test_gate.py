"""What stops predictions and what does not: a drifted lot, a slow model, a worse challenger."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from amelio.actions.check import check_quality
from amelio.actions.lots import sync_lots
from amelio.actions.new import new_project
from amelio.actions.params_file import edit_params
from amelio.demos.collection import Collection, write_collection
from amelio.dvcio.project import commit_all, ensure_identity
from tests.conftest import Run
from tests.e2e.test_pipeline import ran

LEARNING_RATE = 0.015
SMALL: dict[str, Any] = {
    "data.image_size": 16,
    "data.val_split": 0.2,
    "data.train_split": 0.8,
    "evaluate.test_size": 0.4,
    "hyperopt.max_evals": 1,
    "hyperopt.epochs": 1,
    "train.epochs": 10,
    "train.batch_size": 16,
    "train.threads": 1,
    "train.learning_rate": LEARNING_RATE,
    "train.augmentation.flip": False,
    "train.augmentation.shift": 0,
    "compare.min_effect": 0.1,
    "performance.n_images": 8,
    "performance.rounds": 2,
    "performance.round_s": 0.01,
    "performance.batch_sizes": [1],
    "performance.max_latency_p95_ms": 10_000,
    "performance.min_accuracy_under_noise": 0,
    "quality.rules.latency.severity": "alert",
    "quality.rules.accuracy.alert_below": 0.1,
    "quality.rules.accuracy.warning_below": 0.2,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Small digits in s1, s2 and s3, those of s3 dark; committed, not run."""
    folder = tmp_path / "project"
    write_collection(Collection.DIGITS, folder, 260, seed=0, workers=1)
    for number in range(4, 10):
        shutil.rmtree(folder / f"data/raw/s{number}")
    for file in (folder / "data/raw/s3").iterdir():
        with Image.open(file) as image:
            darker = image.convert("RGB").point([level // 4 for level in range(256)] * 3)
        darker.save(file)
    new_project(folder)
    edit_params(folder / "params.yaml", SMALL)
    ensure_identity(folder)
    sync_lots(folder)
    commit_all(folder, "Start")
    return folder


def test_what_stops_predictions(amelio: Run, project: Path) -> None:
    a_drifted_lot_is_reported_and_stops_nothing(amelio, project)
    a_slow_model_predicts_nothing(amelio, project)
    a_worse_challenger_predicts_nothing(amelio, project)


def verdict(project: Path, rule: str) -> str:
    """What the rule gives, as `amelio check` says it."""
    found = check_quality(project, ["params.yaml"]).verdicts
    return next(each.status.value for each in found if each.rule == rule)


def a_drifted_lot_is_reported_and_stops_nothing(amelio: Run, project: Path) -> None:
    done = amelio("repro", "-v", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 2 lots drifts: s3." in done.stdout
    drift = json.loads((project / "metrics/drift.json").read_text())
    assert {lot: figures["drifts"] for lot, figures in drift["lots"].items()} == {
        "s2": False,
        "s3": True,
    }
    assert "## s3: " in (project / "reports/drift.md").read_text()
    assert verdict(project, "drift") == "warning"
    assert "| drift | warning |" in (project / "reports/quality.md").read_text()
    assert {"predict_lot@s2", "predict_lot@s3"} < set(ran(done.stdout))
    commit_all(project, "Run")


def a_slow_model_predicts_nothing(amelio: Run, project: Path) -> None:
    before = (project / "outputs/predictions.csv").read_bytes()
    edit_params(project / "params.yaml", {"performance.max_latency_p95_ms": 0.001})
    shut(amelio("repro", "-v", cwd=project), "latency")
    assert verdict(project, "latency") == "alert"
    page = (project / "reports/quality.md").read_text()
    assert "❌ Alert: latency. The gate is shut." in page
    assert "0.001 does not hold" in page
    assert (project / "outputs/predictions.csv").read_bytes() == before
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=project, check=True)
    assert amelio("checkout", "--quiet", cwd=project).returncode == 0


def a_worse_challenger_predicts_nothing(amelio: Run, project: Path) -> None:
    assert amelio("promote", cwd=project).returncode == 0
    commit_all(project, "First champion")
    assert amelio("repro", cwd=project).returncode == 0
    before = (project / "outputs/predictions.csv").read_bytes()
    edit_params(project / "params.yaml", {"train.learning_rate": 100 * LEARNING_RATE})
    done = amelio("repro", "-v", cwd=project)
    shut(done, "champion")
    assert "the challenger is worse than the champion: -" in done.stdout
    assert verdict(project, "champion") == "alert"
    assert "the challenger is worse" in (project / "reports/quality.md").read_text()
    assert (project / "outputs/predictions.csv").read_bytes() == before


def shut(done: subprocess.CompletedProcess[str], rule: str) -> None:
    """The gate failed for this rule alone, and nothing behind it ran."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"the quality gate is shut: {rule}\n" in done.stdout + done.stderr
    assert "check_quality" in ran(done.stdout)
    assert not [stage for stage in ran(done.stdout) if stage.startswith(("predict", "infer"))]
