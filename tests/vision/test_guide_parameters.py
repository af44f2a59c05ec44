"""Every key of the guide's `params.yaml` is in the template, and changing it changes something."""

import runpy
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML

from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.split import sides_of
from amelio.vision.evaluation.eval_metrics import eval_metrics
from amelio.vision.evaluation.evaluation import evaluate
from amelio.vision.inference.inference import predict_files
from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.params import Params, load_params
from amelio.vision.training.training import train
from amelio.vision.training.tuning import tune
from tests.vision.conftest import MakeData

TEMPLATE = files("amelio") / "templates/vision"
SMALL = {
    "hyperopt": {"max_evals": 6, "epochs": 1, "threads": 1, "search_space": {}},
    "train": {"epochs": 3, "batch_size": 32, "threads": 1},
    "inference": {"lots": ["s2"]},
}
SEARCH_SPACE = {"learning_rate": {"start": 0.015, "range": [0.003, 0.05], "scale": "log"}}
Look = Callable[[Params, PreparedData, Path], Any]


def split(params: Params, _data: PreparedData, _folder: Path) -> Any:
    digests = [bytes([number]) * 16 for number in range(200)]
    return sides_of(digests, params.data, params.evaluate).tolist()


def search(params: Params, data: PreparedData, folder: Path) -> Any:
    found = tune(data, params.hyperopt, folder / "trials", report=lambda _: None)
    return [trial.values for trial in found.trials]


def training(params: Params, data: PreparedData, _folder: Path) -> Any:
    return [(epoch.train_loss, epoch.learning_rate) for epoch in train(data, params.train).history]


def metrics(params: Params, data: PreparedData, _folder: Path) -> Any:
    return eval_metrics(evaluate(untrained(data), data), params.evaluate.metrics)


def batches(params: Params, data: PreparedData, folder: Path) -> Any:
    done: list[int] = []
    paths = sorted(lot(data, folder).iterdir())
    list(predict_files(untrained(data), paths, params.inference.batch_size, done.append))
    return done


def predictions(params: Params, data: PreparedData, folder: Path) -> Any:
    output = folder / "outputs/lots/s2.csv"
    output.parent.mkdir(parents=True)
    save_model(untrained(data), folder / "model.pth")
    predict_lot(folder / "model.pth", lot(data, folder), output, params.inference)
    return output.read_bytes()


def collected(params: Params, data: PreparedData, folder: Path) -> Any:
    predictions(params, data, folder)
    runpy.run_path(str(TEMPLATE / "src/inference/inference_batches.py"), run_name="__main__")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.csv"))


def untrained(data: PreparedData) -> Model:
    torch.manual_seed(0)
    net = new_net(data.attributes, data.preprocessing)
    return Model(net, data.attributes, data.preprocessing)


def lot(data: PreparedData, folder: Path) -> Path:
    raw = folder / "data/raw/s2"
    raw.mkdir(parents=True)
    for number, image in enumerate(data.images[:10]):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(raw / f"{number}.png")
    return raw


# The guide's keys: another value than the template's, and where the difference must show.
GUIDE: dict[str, tuple[Any, Look]] = {
    "data.seed": (7, split),
    "data.train_split": (0.5, split),
    "data.val_split": (0.05, split),
    "hyperopt.max_evals": (2, search),
    "hyperopt.algorithm": ("random", search),
    "hyperopt.timeout": (1e-6, search),
    "train.epochs": (2, training),
    "train.batch_size": (16, training),
    "train.early_stopping_patience": (1, training),
    "train.learning_rate": (0.01, training),
    "train.optimizer": ("AdamW", training),
    "train.scheduler": ("ReduceLROnPlateau", training),
    "evaluate.test_size": (0.2, split),
    "evaluate.random_state": (7, split),
    "evaluate.metrics": (["accuracy"], metrics),
    "inference.batch_size": (3, batches),
    "inference.output_path": ("outputs/elsewhere.csv", collected),
    "inference.confidence_threshold": (1.0, predictions),
}
# What must hold, before and after, for a key to matter.
NEEDED: dict[str, dict[str, Any]] = {
    "train.early_stopping_patience": {"train.learning_rate": 1e-9, "train.epochs": 8},
}


@pytest.mark.parametrize("key", GUIDE)
def test_a_key_of_the_guide_changes_something(
    key: str, make_data: MakeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, look = GUIDE[key]
    data = make_data(n=60)
    seen = []
    usual = NEEDED.get(key, {})
    for name, change in (("as it is", usual), ("changed", {**usual, key: value})):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        seen.append(look(written(folder, change), data, folder))
    assert seen[0] != seen[1]


def written(folder: Path, change: dict[str, Any]) -> Params:
    """The template's parameters, made small, with one change; read as a stage reads them."""
    yaml = YAML()
    tree = yaml.load((TEMPLATE / "params.yaml").read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        tree[section].update(values)
    tree["hyperopt"]["search_space"] = SEARCH_SPACE
    for key, value in change.items():
        section, name = key.split(".")
        assert name in tree[section], f"the template lacks {key}"
        tree[section][name] = value
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)
    return load_params(folder / "params.yaml")
