"""Judge the model on the test set."""

from pathlib import Path

from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.evaluation.eval_metrics import eval_metrics, save_eval_metrics
from amelio.vision.evaluation.eval_plots import write_eval_plots
from amelio.vision.evaluation.evaluation import evaluate
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    params = load_params()
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    model = load_model(Path("models/best_model.pth"))

    evaluation = evaluate(model, data)
    metrics = eval_metrics(evaluation, params.evaluate.metrics)

    write_eval_plots(evaluation, Path("plots/evaluate"))
    save_eval_metrics(metrics, Path("metrics/eval_metrics.json"))
    for warning in evaluation.warnings:
        print(f"warning: {warning}")
    for name, value in metrics["overall"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    run_stage(main)
