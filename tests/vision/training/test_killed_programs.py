"""The programs `train.py` and `hyperopt.py`: killed and run again, they end as if never killed."""

import json
import runpy
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from amelio.vision.data.dataset import save_dataset
from amelio.vision.training import training
from amelio.vision.training.training_loop import TrainingLoop
from amelio.vision.training.training_state import EpochResult
from amelio.vision.training.tuned import Tuned, save_tuned
from tests.vision.conftest import MakeData

PROGRAMS = files("amelio.templates") / "vision/src/training"
TUNED = Path("src/training/hyperopt_params.json")
MODEL = Path("models/best_model.pth")
METRICS = Path("metrics/train_metrics.json")
PARAMS = """\
train: {epochs: 4, batch_size: 24, threads: 1}
hyperopt:
  {max_evals: 3, epochs: 2, threads: 1, search_space: {weight_decay: {start: 0.1, range: [0, 1]}}}
"""  # 60 training images: 3 steps in an epoch of `train`, 1 in an epoch of a trial
KILLED = """\
import os, runpy, signal, sys
from amelio.vision.training.training_loop import TrainingLoop

step, left = TrainingLoop._step, iter(range(int(sys.argv[2])))

def dying(*arguments):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*arguments)

TrainingLoop._step = dying
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.fixture
def project(make_data: MakeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the two programs read, as the working directory."""
    monkeypatch.chdir(tmp_path)
    save_dataset(make_data(n=100), Path("data/processed/train_data_s1.pt"))
    Path("params.yaml").write_text(PARAMS)
    return tmp_path


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Fills with the numbers of the epochs that this process trains."""
    begun: list[int] = []

    class Watched(TrainingLoop):
        def epoch(self, *arguments: Any) -> EpochResult | None:
            begun.append(len(self.history) + 1)
            return super().epoch(*arguments)

    monkeypatch.setattr(training, "TrainingLoop", Watched)
    return begun


def run(program: str) -> None:
    runpy.run_path(str(PROGRAMS / program), run_name="__main__")


def kill(program: str, n_steps: int) -> None:
    """Run it in a process of its own, which dies after so many steps of training."""
    command = [sys.executable, "-c", KILLED, str(PROGRAMS / program), str(n_steps)]
    died = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.mark.usefixtures("project")
def test_training_goes_on_from_its_last_epoch(epochs: list[int]) -> None:
    TUNED.parent.mkdir(parents=True)
    save_tuned(Tuned({}, {}, None, None, None), TUNED)
    kill("train.py", n_steps=7)  # in epoch 3
    assert not MODEL.exists()
    run("train.py")
    assert epochs == [3, 4]
    resumed = MODEL.read_bytes()
    figures = json.loads(METRICS.read_text())
    run("train.py")  # what it went on from is gone
    assert epochs == [3, 4, 1, 2, 3, 4]
    assert MODEL.read_bytes() == resumed
    assert json.loads(METRICS.read_text()) | {"train_seconds": 0} == figures | {"train_seconds": 0}


@pytest.mark.usefixtures("project")
def test_a_search_keeps_its_trials(epochs: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    kill("hyperopt.py", n_steps=3)  # in the second epoch of trial 2
    assert not TUNED.exists()
    run("hyperopt.py")
    said = capsys.readouterr().out
    assert "1 trials are known from an earlier run" in said
    assert "trial 1/3" not in said
    assert "trial 2/3" in said
    assert epochs == [1, 2, 1, 2]
    resumed = TUNED.read_bytes()
    (log,) = Path(".amelio/hyperopt").iterdir()
    log.unlink()
    run("hyperopt.py")
    assert len(epochs) == 4 + 6
    assert TUNED.read_bytes() == resumed
