"""How good is the present model on the newly prepared data? Asked by `when:` in dvc.yaml."""

import json
from pathlib import Path

from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.evaluation.eval_metrics import eval_metrics
from amelio.vision.evaluation.evaluation import evaluate
from amelio.vision.params import Metric
from amelio.vision.stage import run_stage


def main() -> None:
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    model = load_model(Path("models/best_model.pth"))

    evaluation = evaluate(model, data)

    print(json.dumps(eval_metrics(evaluation, [Metric.ACCURACY])))


if __name__ == "__main__":
    run_stage(main)
