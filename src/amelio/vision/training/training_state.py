"""The state of an unfinished training, so that a killed run goes on from its last epoch."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from amelio import __version__
from amelio.vision.data.dataset import PreparedData, attributes_to_json
from amelio.vision.params import TrainParams
from amelio.vision.tensor_file import load_tensors, save_tensors

FORMAT = "amelio.vision.training/1"


@dataclass(frozen=True)
class EpochResult:
    """One epoch's figures.

    epoch: from 1
    train_loss: as minimised, with augmentation, smoothing and class weights
    val_loss: plain cross entropy, mean over attributes
    val_accuracy: mean over attributes, in [0, 1]
    val_accuracies: per attribute; those without a known label on the validation side are left out
    learning_rate: of the last step
    seconds: training and validation
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_accuracies: dict[str, float]
    learning_rate: float
    seconds: float

    def better_than(self, other: "EpochResult") -> bool:
        """Higher mean accuracy, and at equal accuracy less loss."""
        return (self.val_accuracy, -self.val_loss) > (other.val_accuracy, -other.val_loss)


@dataclass(frozen=True)
class TrainingState:
    """What must be kept between two epochs; everything else follows from data and parameters."""

    history: tuple[EpochResult, ...]
    best_epoch: int
    weights: dict[str, Any]
    best_weights: dict[str, Any]
    optimizer: dict[str, Any]


def save_state(state: TrainingState, fingerprint: str, path: Path) -> None:
    """Write `state` to `path`, all or nothing.

    Raises EnvironmentFailedError when the disk is full.
    """
    meta = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "best_epoch": state.best_epoch,
        "history": [asdict(result) for result in state.history],
    }
    stored = {
        "meta": json.dumps(meta),
        "weights": state.weights,
        "best_weights": state.best_weights,
        "optimizer": state.optimizer,
    }
    save_tensors(stored, path)


def load_state(path: Path, fingerprint: str) -> TrainingState | None:
    """The state at `path`, or None when there is none of this very training.

    A damaged state, or one of other data, parameters or versions, costs nothing but the time to
    start again, so it is no error.
    """
    try:
        stored = load_tensors(path)
        meta = json.loads(stored["meta"])
        if meta["format"] != FORMAT or meta["fingerprint"] != fingerprint:
            return None
        return TrainingState(
            history=tuple(EpochResult(**result) for result in meta["history"]),
            best_epoch=meta["best_epoch"],
            weights=stored["weights"],
            best_weights=stored["best_weights"],
            optimizer=stored["optimizer"],
        )
    except Exception:
        return None


def training_fingerprint(data: PreparedData, params: TrainParams) -> str:
    """Equal only for the same data, parameters, pretrained weights and versions."""
    meta = {
        "versions": [FORMAT, __version__, torch.__version__],
        "params": params.model_dump(mode="json"),
        "attributes": attributes_to_json(data.attributes),
        "preprocessing": vars(data.preprocessing),
    }
    digest = hashlib.sha256(json.dumps(meta).encode())
    for tensor in (data.images, data.labels, data.sides):
        digest.update(tensor.contiguous().numpy().data)
    if params.init_from is not None:
        digest.update(Path(params.init_from).read_bytes())
    return digest.hexdigest()
