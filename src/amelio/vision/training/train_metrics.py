"""`metrics/train_metrics.json`: how a training went, and with which values."""

import json
from pathlib import Path
from typing import Any

from amelio.atomic import write_text
from amelio.vision.training.training import TrainResult

DIGITS = 6  # later ones would show in a diff and mean nothing


def train_metrics(result: TrainResult) -> dict[str, Any]:
    """The best epoch's figures, the time, and every value of `train.*` that was used."""
    best = result.history[result.best_epoch - 1]
    return {
        "val_accuracy": round(best.val_accuracy, DIGITS),
        "val_loss": round(best.val_loss, DIGITS),
        "train_loss": round(best.train_loss, DIGITS),
        "best_epoch": result.best_epoch,
        "n_epochs": len(result.history),
        "train_seconds": round(result.train_seconds, 1),
        "device": result.device,
        "precision": result.precision,
        "params": result.model.params,
    }


def save_train_metrics(result: TrainResult, path: Path) -> None:
    """Write the figures of a training that ended its first epoch to `path`, all or nothing."""
    write_text(path, json.dumps(train_metrics(result), indent=2) + "\n")
