"""`amelio compare`: models of any revisions on today's test set, outside of the pipeline."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from amelio.actions.model_source import PARAMS, WORKSPACE, FoundModel, find_model
from amelio.vision.data.dataset import PreparedData, load_dataset
from amelio.vision.data.schema import Side
from amelio.vision.evaluation.answers import Answers, answers_of
from amelio.vision.evaluation.comparison import Comparison, accuracies, compare
from amelio.vision.params import load_params

DATA = "data/processed/train_data_s1.pt"
RAW = "data/raw"


@dataclass(frozen=True)
class Entrant:
    """One model's line.

    accuracies: attribute → accuracy on the test set
    comparison: with the first model that was named; None for that one itself
    """

    name: str
    place: str
    accuracies: dict[str, float]
    comparison: Comparison | None
    warning: str

    @property
    def accuracy(self) -> float:
        """Mean over the attributes that the model knows."""
        return fmean(self.accuracies.values())


@dataclass(frozen=True)
class Leaderboard:
    """entrants: the most accurate first; first: the one that the others are compared with."""

    entrants: tuple[Entrant, ...]
    first: str
    n_images: int
    confidence: float


def compare_models(project: Path, names: Sequence[str]) -> Leaderboard:
    """Rank the models of revisions, experiments, files or `workspace` on today's test set.

    The first of `names` is what the others are compared with; one alone is the workspace's
    opponent.

    Raises InputError when a model or the prepared data is missing, or nothing can be compared.
    """
    chosen = list(dict.fromkeys(names if len(set(names)) > 1 else [WORKSPACE, *names]))
    params = load_params(project / PARAMS)
    data = load_dataset(project / DATA)
    models, answers = [], []
    for name in chosen:
        with tempfile.TemporaryDirectory() as scratch:
            found = find_model(project, name, params.evaluate, Path(scratch))
        models.append(found)
        answers.append(answers_of(found.place, found.model, data, project / RAW))
    comparisons = [compare(answers[0], each, data, params.compare) for each in answers[1:]]
    entrants = [
        _entrant(*each, data) for each in zip(models, answers, [None, *comparisons], strict=True)
    ]
    return Leaderboard(
        entrants=tuple(sorted(entrants, key=lambda entrant: -entrant.accuracy)),
        first=models[0].place,
        n_images=int((data.sides == int(Side.TEST)).sum()),
        confidence=params.compare.confidence,
    )


def _entrant(
    found: FoundModel, answers: Answers, comparison: Comparison | None, data: PreparedData
) -> Entrant:
    return Entrant(found.name, found.place, accuracies(answers, data), comparison, found.warning)
