"""Collect the predictions of all lots in one table."""

from pathlib import Path

from amelio.vision.inference.predictions_csv import collect_predictions
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    inference = load_params().inference
    lots = [Path("outputs/lots") / f"{lot}.csv" for lot in inference.lots]
    output = Path(inference.output_path)

    n_images = collect_predictions(lots, output)

    print(f"{n_images} predictions of {len(lots)} lots → {output}")


if __name__ == "__main__":
    run_stage(main)
