"""A champion in a real project: the first one, a worse challenger, which predicts nothing, a clone
without a cache.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from amelio.actions.compare import compare_models
from amelio.actions.lots import sync_lots
from amelio.actions.new import new_project
from amelio.actions.params_file import edit_params
from amelio.actions.promote import promote
from amelio.demos.collection import Collection, write_collection
from amelio.dvcio.project import commit_all, ensure_identity
from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.evaluation.comparison import Verdict
from amelio.vision.training.tuned import Tuned, save_tuned
from tests.conftest import Run
from tests.e2e.test_pipeline import ran

PIPELINE = """\
stages:
  prepare_train:
    cmd: python src/data/prepare_train.py
    deps: [data/annotations/mapped_train.csv, data/raw]
    params: [data, evaluate]
    outs: [data/processed/train_data_s1.pt]
  train:
    cmd: python src/training/train.py
    deps: [data/processed/train_data_s1.pt, src/training/hyperopt_params.json]
    params: [train]
    outs: [models/best_model.pth, plots/training]
    metrics: [{metrics/train_metrics.json: {cache: false}}]
  compare_models:
    cmd: python src/training/compare_models.py
    deps:
      # amelio promote adds the champion
      - data/processed/train_data_s1.pt
      - models/best_model.pth
    params: [compare]
    outs: [{reports/model_comparison.md: {cache: false}}]
    metrics: [{metrics/model_comparison.json: {cache: false}}]
  check_quality:
    cmd: python src/monitoring/check_metrics.py
    deps: [metrics/model_comparison.json]
    params: [quality]
    outs: [{metrics/quality_gate.json: {cache: false}}]
  predict_lot:
    foreach: [s2]
    do:
      cmd: python src/inference/predict_lot.py ${item}
      deps:
        - data/raw/${item}
        - metrics/quality_gate.json
        - models/best_model.pth
      outs: ["outputs/lots/${item}.csv"]
"""
RULE = """\
quality:
  rules:
    champion: {comparison: "metrics/model_comparison.json:overall.verdict"}
"""
LEARNING_RATE = 0.015
PREDICTED = "outputs/lots/s2.csv"
SMALL = {
    "data.image_size": 16,
    "data.val_split": 0.2,
    "data.train_split": 0.8,
    "evaluate.test_size": 0.4,
    "train.epochs": 5,
    "train.learning_rate": LEARNING_RATE,
    "train.batch_size": 16,
    "train.threads": 1,
    "train.augmentation.flip": False,
    "train.augmentation.shift": 0,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Small digits, a pipeline that trains and compares, and a remote; committed, not run."""
    folder = tmp_path / "my project"
    write_collection(Collection.DIGITS, folder, 260, seed=0, workers=1)
    new_project(folder)
    edit_params(folder / "params.yaml", SMALL)
    params = (folder / "params.yaml").read_text(encoding="utf-8").partition("\nquality:")[0]
    (folder / "params.yaml").write_text(f"{params}\n{RULE}", encoding="utf-8")
    (folder / "dvc.yaml").write_text(PIPELINE)
    save_tuned(Tuned({}, {}, None, None, None), folder / "src/training/hyperopt_params.json")
    ensure_identity(folder)
    sync_lots(folder)
    with (folder / ".dvc/config").open("a") as file:
        file.write(f"[core]\n    remote = r\n['remote \"r\"']\n    url = {tmp_path / 'remote'}\n")
    commit_all(folder, "Start")
    return folder


def comparison(project: Path) -> dict[str, Any]:
    overall: dict[str, Any] = json.loads(
        (project / "metrics/model_comparison.json").read_text(encoding="utf-8")
    )["overall"]
    return overall


def test_a_champions_life(amelio: Run, project: Path, tmp_path: Path) -> None:
    without_a_champion_baselines_are_the_reference(amelio, project)
    the_first_champion_becomes_a_dependency(amelio, project)
    a_worse_challenger_predicts_nothing(amelio, project)
    an_experiment_may_be_worse(amelio, project)
    the_leaderboard_ranks_revisions_experiments_and_files(amelio, project)
    an_experiment_and_a_revision_can_be_promoted(amelio, project)
    a_fresh_clone_pulls_and_compares(amelio, project, tmp_path / "clone")
    what_is_out_of_reach_is_told(project, tmp_path)


def without_a_champion_baselines_are_the_reference(amelio: Run, project: Path) -> None:
    done = amelio("repro", "-v", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "There is no champion yet" in done.stdout
    assert "the challenger is better than the majority class" in done.stdout
    assert comparison(project)["reference"] == "linear_on_pixels"
    commit_all(project, "First model")


def the_first_champion_becomes_a_dependency(amelio: Run, project: Path) -> None:
    done = amelio("promote", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "git add models/champion.pth.dvc dvc.yaml" in done.stdout
    commented = "# amelio promote adds the champion\n      - models/champion.pth\n      - data/proc"
    assert commented in (project / "dvc.yaml").read_text(encoding="utf-8")
    commit_all(project, "First champion")
    done = amelio("repro", "-v", cwd=project)
    assert "[train] up to date" in done.stdout
    assert "the challenger is equivalent to the champion: +0.0 points" in done.stdout
    assert comparison(project)["reference"] == "champion"
    commit_all(project, "Compare with the champion")


def a_worse_challenger_predicts_nothing(amelio: Run, project: Path) -> None:
    before = (project / PREDICTED).read_bytes()
    edit_params(project / "params.yaml", {"train.learning_rate": 100 * LEARNING_RATE})
    done = amelio("repro", "-v", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert ran(done.stdout) == ["train", "compare_models", "check_quality"]
    assert "the challenger is worse than the champion: -" in done.stdout
    assert "the quality gate is shut: champion (" in done.stdout + done.stderr
    assert amelio("check", cwd=project).returncode == 1
    page = (project / "reports/quality.md").read_text()
    assert "❌ Alert: champion. The gate is shut." in page
    assert "the challenger is worse (reference: champion)" in page
    assert (project / PREDICTED).read_bytes() == before
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=project, check=True)
    assert amelio("checkout", "--quiet", cwd=project).returncode == 0


def an_experiment_may_be_worse(amelio: Run, project: Path) -> None:
    words = ("exp", "run", "--name", "wild", "--temp", "-S", "train.learning_rate=0.3")
    done = amelio(*words, "-S", "train.epochs=1", "compare_models", cwd=project)
    assert done.returncode == 0, done.stderr + done.stdout
    told = amelio("exp", "logs", "wild", cwd=project)
    assert "the challenger is worse than the champion: -" in told.stdout


def the_leaderboard_ranks_revisions_experiments_and_files(amelio: Run, project: Path) -> None:
    board = compare_models(project, ["wild", "HEAD~1", "models/champion.pth"])
    first, second, last = board.entrants
    assert (first.name, second.name, last.name) == ("HEAD~1", "models/champion.pth", "wild")
    assert first.accuracies == second.accuracies
    assert first.comparison
    assert first.comparison.overall.verdict is Verdict.BETTER
    assert last.comparison is None
    assert not subprocess.run(
        ["git", "status", "--porcelain"], cwd=project, capture_output=True, check=True
    ).stdout
    edit_params(project / "params.yaml", {"evaluate.random_state": 7})
    told = amelio("compare", "wild", "HEAD", "champion.pth", "--md", cwd=project / "models")
    assert told.stdout.splitlines()[2].startswith("| HEAD (")
    assert "champion.pth is better than wild (" in told.stdout
    assert "is better than wild (" in told.stdout
    assert "warning: wild (" in told.stderr
    assert "it has seen some of the test images" in told.stderr
    edit_params(project / "params.yaml", {"evaluate.random_state": 42})


def an_experiment_and_a_revision_can_be_promoted(amelio: Run, project: Path) -> None:
    assert promote(project, "wild").place.startswith("wild (")
    assert amelio("repro", "-v", cwd=project).returncode == 0
    assert comparison(project)["verdict"] == "better"
    below = amelio("promote", "HEAD", cwd=project / "src")
    assert "  cd ..\n  git add models/champion.pth.dvc" in below.stdout
    champion, model = project / "models/champion.pth", project / "models/best_model.pth"
    assert champion.read_bytes() == model.read_bytes()
    subprocess.run(
        ["git", "diff", "--quiet", "models", "dvc.yaml"], cwd=project, check=True
    )  # the same champion as before
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=project, check=True)


def a_fresh_clone_pulls_and_compares(amelio: Run, project: Path, clone: Path) -> None:
    assert amelio("push", cwd=project).returncode == 0
    subprocess.run(["git", "clone", "--quiet", str(project), str(clone)], check=True)
    with pytest.raises(InputError, match="no such file"):
        promote(clone)
    promote(clone, "HEAD")  # from the remote
    done = amelio("pull", cwd=clone)
    assert done.returncode == 0, done.stderr
    assert (clone / "models/champion.pth").exists()
    assert "up to date" in amelio("status", cwd=clone).stdout


def what_is_out_of_reach_is_told(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no revision, experiment or file 'nope'"):
        compare_models(project, ["nope"])
    with pytest.raises(InputError, match=r"had not made models/best_model.pth yet in 'HEAD~3'"):
        promote(project, "HEAD~3")
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(tmp_path / "remote")
    with pytest.raises(EnvironmentFailedError, match="neither in DVC's cache nor in its"):
        promote(project, "wild")
    ignored = project / ".gitignore"
    ignored.write_text(ignored.read_text().replace("/models/*.pth", "/models/*\n!/models/*.dvc"))
    with pytest.raises(InputError, match="DVC overlooks"):
        promote(project)
