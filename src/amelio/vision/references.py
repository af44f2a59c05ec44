"""What the challenger is compared with: the champion, or what any model must beat."""

from pathlib import Path
from statistics import fmean

from amelio.errors import InputError
from amelio.vision.answers import Answers, answers_of
from amelio.vision.baselines import linear_answers, majority_answers
from amelio.vision.checkpoint import load_model
from amelio.vision.comparison import accuracies
from amelio.vision.dataset import PreparedData

CHAMPION = "the champion"


def reference_answers(champion: Path, data: PreparedData, raw: Path) -> list[Answers]:
    """The champion's answers; without a champion those of the baselines, the better one first.

    There is a champion when `<champion>.dvc` is there, since that file is in Git: of a project's
    older revision, a model that a checkout left behind is not taken for one.

    Raises InputError when the champion's file was not pulled, or cannot be compared.
    """
    if not champion.with_name(f"{champion.name}.dvc").exists():
        baselines = [majority_answers(data), linear_answers(data)]
        return sorted(
            baselines, key=lambda answers: fmean(accuracies(answers, data).values()), reverse=True
        )
    if not champion.exists():
        raise InputError("no such file", path=champion, hint=f"get it: amelio pull {champion}")
    return [answers_of(CHAMPION, load_model(champion), data, raw)]
