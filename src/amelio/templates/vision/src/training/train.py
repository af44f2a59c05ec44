"""Train the model, with the tuned parameters where params.yaml leaves them free."""

import json
from pathlib import Path

from amelio.atomic import write_text
from amelio.vision.checkpoint import save_model
from amelio.vision.dataset import load_dataset
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage
from amelio.vision.training import train
from amelio.vision.tuned import load_tuned, resolve_train_params

STATE = Path(".amelio/training.pt")


def main() -> None:
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    tuned = load_tuned(Path("src/training/hyperopt_params.json"))
    params, sources = resolve_train_params(load_params().train, tuned)
    for key, source in sources.items():
        print(f"{key}: {source}")

    result = train(data, params, resume=STATE, on_epoch=print)

    save_model(result.model, Path("models/best_model.pth"))
    Path("plots/training").mkdir(parents=True, exist_ok=True)
    write_text(Path("metrics/train_metrics.json"), json.dumps({"train_seconds": result.train_seconds}))
    STATE.unlink(missing_ok=True)


if __name__ == "__main__":
    run_stage(main)
