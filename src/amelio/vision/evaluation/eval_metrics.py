"""`metrics/eval_metrics.json`: the figures of an evaluation, for people and `dvc metrics`."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from amelio.atomic import write_text
from amelio.vision.evaluation.evaluation import Evaluation, Judgement
from amelio.vision.evaluation.metrics import (
    ClassScores,
    Floats,
    accuracy,
    calibration_bins,
    calibration_error,
    class_scores,
)
from amelio.vision.params import Metric

DIGITS = 6  # later ones would show in a diff and mean nothing


def eval_metrics(evaluation: Evaluation, metrics: Sequence[Metric]) -> dict[str, Any]:
    """The figures named in `metrics` as JSON values: overall, per attribute, per class.

    `overall.average_<metric>` is the mean over the attributes that could be judged; precision,
    recall and F1 of an attribute are the mean over its classes (macro). `confusion_matrix` has a
    row per true class and a column per predicted one, in the order of `classes`; DVC
    passes it over.
    """
    figures = [_figures(judgement, metrics) for judgement in evaluation.judgements]
    averages = {f"average_{metric}": fmean(each[metric] for each in figures) for metric in metrics}
    attributes: dict[str, Any] = {
        judgement.attribute.name: {
            "n_images": len(judgement.rows),
            **_rounded(each),
            "classes": _class_figures(judgement, metrics),
            "confusion_matrix": judgement.matrix.tolist(),
        }
        for judgement, each in zip(evaluation.judgements, figures, strict=True)
    }
    return {
        "overall": {"n_images": len(evaluation.files), **_rounded(averages)},
        "attributes": attributes | {name: {"n_images": 0} for name in evaluation.unjudged},
    }


def save_eval_metrics(metrics: dict[str, Any], path: Path) -> None:
    """Write figures to `path`, all or nothing."""
    write_text(path, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")


def _figures(judgement: Judgement, metrics: Sequence[Metric]) -> dict[Metric, float]:
    matrix = judgement.matrix
    scores = class_scores(matrix)

    def value(metric: Metric) -> float:
        if metric is Metric.ACCURACY:
            return accuracy(matrix)
        if metric is Metric.CALIBRATION_ERROR:
            return calibration_error(calibration_bins(judgement.confidence, judgement.right))
        return scores.macro(_per_class(scores)[metric])

    return {metric: value(metric) for metric in metrics}


def _class_figures(judgement: Judgement, metrics: Sequence[Metric]) -> dict[str, Any]:
    scores = class_scores(judgement.matrix)
    chosen = {name: each for name, each in _per_class(scores).items() if name in metrics}
    return {
        str(class_name): {
            "n_images": int(scores.n[index]),
            **_rounded({name: float(each[index]) for name, each in chosen.items()}),
        }
        for index, class_name in enumerate(judgement.attribute.classes)
    }


def _per_class(scores: ClassScores) -> dict[Metric, Floats]:
    return {
        Metric.PRECISION: scores.precision,
        Metric.RECALL: scores.recall,
        Metric.F1_SCORE: scores.f1_score,
    }


def _rounded(figures: dict[Any, float]) -> dict[str, float]:
    return {str(name): round(value, DIGITS) for name, value in figures.items()}
