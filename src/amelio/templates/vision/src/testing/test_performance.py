"""Time and stress the model; a stage of the pipeline, not a test: pytest passes over it."""

from pathlib import Path

from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.evaluation.performance import measure_performance
from amelio.vision.evaluation.performance_report import performance_page, write_performance
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    params = load_params().performance
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    path = Path("models/best_model.pth")

    performance = measure_performance(load_model(path), path, data, Path("data/raw"), params)

    write_performance(
        performance,
        params,
        metrics=Path("metrics/performance.json"),
        plots=Path("plots/performance"),
        report=Path("reports/performance.md"),
    )
    print(performance_page(performance, params))


if __name__ == "__main__":
    run_stage(main)
