"""The whole pipeline on real images, as its user runs it: the first run, and the daily flows."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from amelio.actions.params_file import edit_params
from amelio.dvcio.project import commit_all
from tests.conftest import Run
from tests.e2e.conftest import Shell
from tests.e2e.guide_project import FIRST_RUN

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def project(guide_project: Path) -> Path:
    """A committed project of small digits that has been run; in a path with a space."""
    return guide_project.rename(guide_project.with_name("my project"))


def ran(output: str) -> list[str]:
    """Names of the stages that `amelio repro` started, in that order."""
    return re.findall(r"^\[(.+?)\] starts:", output, flags=re.MULTILINE)


def predictions(project: Path) -> list[dict[str, str]]:
    with (project / "outputs/predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_everything_ran_and_nothing_is_left_to_do(amelio: Run, project: Path) -> None:
    stages = ran(project.with_name(FIRST_RUN).read_text())
    assert stages[:5] == ["validate_data", "check_data", "prepare_train", "hyperopt", "train"]
    assert set(stages[5:]) > {"evaluate", "compare_models", "performance_test", "check_quality"}
    assert stages.index("monitor_drift") < stages.index("check_quality")
    assert {row["lot"] for row in predictions(project)} == {"s2"}
    metrics = json.loads((project / "metrics/eval_metrics.json").read_text())
    assert 0 < metrics["overall"]["average_accuracy"] <= 1
    assert set(metrics["attributes"]) == {"digit", "even", "has_loop"}
    plots = {
        path.relative_to(project / "plots").parts[0] for path in (project / "plots").rglob("*.*")
    }
    assert plots == {"hyperopt", "training", "evaluate", "performance", "drift"}
    shown = amelio("plots", "show", cwd=project)
    assert shown.returncode == 0, shown.stderr
    assert "up to date" in amelio("status", cwd=project).stdout
    assert ran(amelio("repro", cwd=project).stdout) == []
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "metrics/eval_metrics.json" in tracked
    assert not [path for path in tracked if path.endswith((".pt", ".pth", ".png"))]


def test_a_new_lot_is_predicted_alone(amelio: Run, project: Path) -> None:
    assert amelio("unfreeze", "monitor_drift", cwd=project).returncode == 0
    lot = project / "data/raw/s10"
    lot.mkdir()
    shutil.copy(project / "data/raw/s2/s2_00000.png", lot / "s10_00000.png")
    assert amelio("lots", "sync", cwd=project).returncode == 0
    done = amelio("repro", "inference_batches", cwd=project)
    assert done.returncode == 0, done.stderr
    assert ran(done.stdout) == [
        "validate_data",
        "check_data",
        "prepare_train",
        "monitor_drift",
        "check_quality",
        "predict_lot@s10",
        "inference_batches",
    ]
    by_file = {row["filename"]: row for row in predictions(project)}
    same = [{**by_file[name], "filename": "", "lot": ""} for name in by_file if "_00000" in name]
    assert same[0] == same[-1]  # the same image in s2 and s10
    add = "git add data/raw.dvc params.yaml dvc.lock metrics reports"
    assert add in (DOCS / "new-lot.md").read_text(encoding="utf-8")
    subprocess.run(add.split(), cwd=project, check=True)
    left = subprocess.run(
        ["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line for line in left if line[1] != " "] == [" M dvc.yaml"]  # the unfrozen stage


def test_the_output_path_is_a_parameter(amelio: Run, project: Path) -> None:
    edit_params(project / "params.yaml", {"inference.output_path": "outputs/elsewhere.csv"})
    done = amelio("repro", "inference_batches", cwd=project)
    assert ran(done.stdout) == ["inference_batches"]
    assert (project / "outputs/elsewhere.csv").is_file()


def test_plain_dvc_brings_everything_up_to_date_too(
    amelio: Run, project: Path, shell: Shell
) -> None:
    edit_params(project / "params.yaml", {"inference.confidence_threshold": 1.0})
    done = shell("dvc repro inference_batches", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["uncertain"] for row in predictions(project)} == {"true"}
    assert "up to date" in amelio("status", cwd=project).stdout
    assert ran(amelio("repro", cwd=project).stdout) == []


def test_single_keys_train_with_their_value(amelio: Run, project: Path) -> None:
    changes = ["train.learning_rate=0.01", *(f"train.batch_size={n}" for n in (64, 128, 256))]
    seen = []
    for change in changes:
        done = amelio("exp", "run", "-q", "-S", change, "train", cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        told = amelio("logs", "train", cwd=project).stdout
        source = "0.015 (tuned;" if "batch" in change else "0.01 (params.yaml; not the tuned 0.015,"
        assert f"learning_rate: {source}" in told
        assert "weight_decay: 0.1 (tuned; start was 0.1)" in told
        used = json.loads((project / "metrics/train_metrics.json").read_text())["params"]
        key, value = change.removeprefix("train.").split("=")
        assert used[key] == float(value)
        seen.append((project / "models/best_model.pth").read_bytes())
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=project, check=True)
        assert amelio("checkout", "--quiet", cwd=project).returncode == 0
    assert len(set(seen)) == len(changes)


def test_a_clone_pulls_the_same(amelio: Run, project: Path) -> None:
    clone = project.with_name("clone")
    storage = project.parent / "storage"
    assert amelio("remote", "add", "-d", "local", str(storage), cwd=project).returncode == 0
    commit_all(project, "Name the storage")
    assert amelio("push", cwd=project).returncode == 0
    subprocess.run(["git", "clone", "--quiet", project, clone], check=True)
    assert amelio("pull", cwd=clone).returncode == 0
    before = (clone / "metrics/eval_metrics.json").read_bytes()
    assert "up to date" in amelio("status", cwd=clone).stdout
    done = amelio("repro", "--force", "--single-item", "train", "evaluate", cwd=clone)
    assert done.returncode == 0, done.stderr
    assert ran(done.stdout) == ["train", "evaluate"]
    assert (clone / "metrics/eval_metrics.json").read_bytes() == before


def test_a_model_that_fails_the_gate_predicts_nothing(amelio: Run, project: Path) -> None:
    limit = {"quality.on_alert": "fail", "quality.rules.accuracy.alert_below": 1.1}
    edit_params(project / "params.yaml", limit | {"train.learning_rate": 0.02})
    before = (project / "outputs/predictions.csv").read_bytes()
    done = amelio("repro", cwd=project)
    assert done.returncode != 0
    assert "check_quality" in ran(done.stdout)
    assert not [stage for stage in ran(done.stdout) if stage.startswith("predict_lot")]
    assert "alert" in (project / "reports/quality.md").read_text()
    assert (project / "outputs/predictions.csv").read_bytes() == before


def test_a_model_that_is_good_enough_is_not_trained_again(amelio: Run, project: Path) -> None:
    retrain = {"retrain.policy": "if_needed", "retrain.below": 0.01}
    edit_params(project / "params.yaml", retrain)
    labels = project / "data/annotations/mapped_train.csv"
    rows = labels.read_text().splitlines(keepends=True)
    labels.write_text("".join(rows[:-3]))
    done = amelio("repro", "evaluate", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == ["validate_data", "check_data", "prepare_train", "evaluate"]
    assert "[train] skipped" in done.stdout
    edit_params(project / "params.yaml", {"retrain.below": 1.0})
    done = amelio("repro", "train", cwd=project)
    assert ran(done.stdout) == ["hyperopt", "train"]
