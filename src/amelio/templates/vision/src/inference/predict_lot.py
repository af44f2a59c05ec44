"""Predict the images of one lot: python src/inference/predict_lot.py LOT"""

import sys
from pathlib import Path

from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    lot = sys.argv[1]
    params = load_params()

    report = predict_lot(
        model=Path("models/best_model.pth"),
        lot=Path("data/raw") / lot,
        output=Path("outputs/lots") / f"{lot}.csv",
        inference=params.inference,
    )

    print(report.describe())


if __name__ == "__main__":
    run_stage(main)
