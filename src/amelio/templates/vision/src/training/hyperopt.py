"""Search for good training parameters; train.py uses what was found."""

from pathlib import Path

from amelio.vision.data.dataset import load_dataset
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage
from amelio.vision.training.tuned import save_tuned
from amelio.vision.training.tuning import tune
from amelio.vision.training.tuning_plots import write_tuning_plots


def main() -> None:
    params = load_params()
    data = load_dataset(Path("data/processed/train_data_s1.pt"))

    search = tune(data, params.hyperopt, folder=Path(".amelio/hyperopt"))

    write_tuning_plots(search, Path("plots/hyperopt"))
    save_tuned(search.found(), Path("src/training/hyperopt_params.json"))


if __name__ == "__main__":
    run_stage(main)
