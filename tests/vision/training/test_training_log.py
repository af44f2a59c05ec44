"""Curves on disk and lines for the reader; nothing written beside the folder."""

import csv
import os
from pathlib import Path

import pytest

from amelio.vision.training.training_log import training_log
from amelio.vision.training.training_state import EpochResult


def epoch(number: int) -> EpochResult:
    return EpochResult(number, 1.0 / number, 0.5 / number, 0.9, {"hair": 0.8}, 0.001, 2.0)


def test_writes_a_curve_per_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stale = tmp_path / "plots/training/plots/metrics/old.tsv"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with training_log(Path("plots/training"), 2) as on_epoch:
        on_epoch(epoch(1))
        on_epoch(epoch(2))
    folder = tmp_path / "plots/training/plots/metrics"
    assert {path.stem for path in folder.iterdir()} == {
        "train_loss",
        "val_loss",
        "val_accuracy",
        "val_accuracy_hair",
        "learning_rate",
    }
    with (folder / "train_loss.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [float(row["train_loss"]) for row in rows] == [1.0, 0.5]
    assert os.listdir(tmp_path) == ["plots"]  # noqa: PTH208 - no dvc.yaml, no folder of its own
    assert (
        "epoch 2/2: loss 0.500, validation loss 0.250, accuracy 0.9000" in capsys.readouterr().out
    )


def test_a_repository_without_a_commit_is_no_obstacle(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    with training_log(Path("plots/training"), 1) as on_epoch:
        on_epoch(epoch(1))
    assert (repository / "plots/training/plots/metrics/val_loss.tsv").is_file()
