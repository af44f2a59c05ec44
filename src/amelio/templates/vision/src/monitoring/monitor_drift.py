"""Compare every lot with the training images: which ones drift, in what, and how much."""

from pathlib import Path

from amelio.vision.data.dataset import load_dataset
from amelio.vision.data.image_folder import lots_left_out
from amelio.vision.monitoring.drift import measure_drift
from amelio.vision.monitoring.drift_pictures import drift_sheet
from amelio.vision.monitoring.drift_report import in_words, write_drift
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    params = load_params()
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    raw = Path("data/raw")
    lots = [raw / lot for lot in params.inference.lots]
    kept = Path(".amelio/drift")  # what was computed before, so that a new lot costs only itself

    drifts = measure_drift(Path("models/best_model.pth"), data, lots, params.drift, kept)

    write_drift(
        drifts,
        params.drift,
        drift_sheet(drifts, data, raw),
        metrics=Path("metrics/drift.json"),
        plots=Path("plots/drift"),
        report=Path("reports/drift.md"),
    )
    for line in in_words(drifts):
        print(line)
    for lot in lots_left_out(raw, params.inference.lots, data.files):
        print(f"warning: nothing predicts {raw / lot}: `amelio lots sync` takes it in")


if __name__ == "__main__":
    run_stage(main)
