"""What the challenger is compared with: the champion, or what any model must beat."""

from enum import StrEnum
from pathlib import Path
from statistics import fmean

from amelio.errors import InputError
from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.evaluation.answers import Answers, answers_of
from amelio.vision.evaluation.baselines import linear_answers, majority_answers
from amelio.vision.evaluation.comparison import accuracies


class Reference(StrEnum):
    """The name of a reference in `metrics/model_comparison.json`."""

    CHAMPION = "champion"
    MAJORITY = "majority_class"
    LINEAR = "linear_on_pixels"


def reference_answers(champion: Path, data: PreparedData, raw: Path) -> dict[Reference, Answers]:
    """The champion's answers; without a champion those of the baselines, the better one first.

    There is a champion when `<champion>.dvc` is there, since that file is in Git: of a project's
    older revision, a model that a checkout left behind is not taken for one.

    Raises InputError when the champion's file was not pulled, or cannot be compared.
    """
    if not champion.with_name(f"{champion.name}.dvc").exists():
        baselines = {
            Reference.MAJORITY: majority_answers(data),
            Reference.LINEAR: linear_answers(data),
        }
        worth = {key: fmean(accuracies(each, data).values()) for key, each in baselines.items()}
        return {key: baselines[key] for key in sorted(baselines, key=lambda key: -worth[key])}
    if not champion.exists():
        raise InputError("no such file", path=champion, hint=f"get it: amelio pull {champion}")
    return {Reference.CHAMPION: answers_of("the champion", load_model(champion), data, raw)}
