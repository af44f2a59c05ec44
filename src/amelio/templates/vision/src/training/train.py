"""Train the model, with the tuned parameters where params.yaml leaves them free."""

from pathlib import Path

from amelio.vision.checkpoint import save_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage
from amelio.vision.training.train_metrics import save_train_metrics
from amelio.vision.training.training import train
from amelio.vision.training.training_log import training_log
from amelio.vision.training.tuned import load_tuned, resolve_train_params


def main() -> None:
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    tuned = load_tuned(Path("src/training/hyperopt_params.json"))
    params, sources = resolve_train_params(load_params().train, tuned)
    for key, source in sources.items():
        print(f"{key}: {source}")
    state = Path(".amelio/training.pt")  # a killed run goes on from here

    with training_log(Path("plots/training"), params.epochs) as on_epoch:
        result = train(data, params, resume=state, on_epoch=on_epoch)

    save_model(result.model, Path("models/best_model.pth"))
    save_train_metrics(result, Path("metrics/train_metrics.json"))
    state.unlink(missing_ok=True)


if __name__ == "__main__":
    run_stage(main)
