"""`plots/evaluate`: tables and pictures that `dvc plots` shows, one file per attribute and kind."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from amelio.atomic import write_bytes
from amelio.vision.evaluation.evaluation import Evaluation, Judgement
from amelio.vision.evaluation.metrics import calibration_bins, class_scores
from amelio.vision.evaluation.mistakes import mistakes_sheet
from amelio.vision.evaluation.plot_tables import file_stems, write_csv


def write_eval_plots(evaluation: Evaluation, folder: Path) -> None:
    """Write confusion matrices, per-class bars, calibration curves and the worst mistakes.

    `confusion/<attribute>.csv` has a row per image, since DVC's template counts rows itself.
    """
    tables = {
        "confusion": _confusion,
        "classes": _classes,
        "calibration": _calibration,
    }
    names = file_stems([judgement.attribute.name for judgement in evaluation.judgements])
    for kind, table in tables.items():
        if (folder / kind).exists():  # of attributes that are no more
            shutil.rmtree(folder / kind)
        for name, judgement in zip(names, evaluation.judgements, strict=True):
            write_csv(folder / kind / f"{name}.csv", *table(judgement))
    write_bytes(folder / "mistakes.png", mistakes_sheet(evaluation))


Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def _confusion(judgement: Judgement) -> Table:
    classes = judgement.attribute.classes
    pairs = sorted(zip(judgement.actual.tolist(), judgement.predicted.tolist(), strict=True))
    return ("actual", "predicted"), ((classes[i], classes[j]) for i, j in pairs)


def _classes(judgement: Judgement) -> Table:
    scores = class_scores(judgement.matrix)
    columns = (scores.n, scores.precision, scores.recall, scores.f1_score)
    return ("class", "n_images", "precision", "recall", "f1_score"), zip(
        judgement.attribute.classes, *(column.tolist() for column in columns), strict=True
    )


def _calibration(judgement: Judgement) -> Table:
    """`perfect` is the diagonal: a model that is 80 % sure should be right in 80 %."""
    bins = calibration_bins(judgement.confidence, judgement.right)
    return ("probability", "n_images", "accuracy", "perfect"), (
        (bin_.confidence, bin_.n, bin_.accuracy, bin_.confidence) for bin_ in bins
    )
