"""`evaluate`: what a model is worth on the test images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Attribute, Side
from amelio.vision.evaluation.metrics import Floats, Integers, confusion_matrix
from amelio.vision.inference.prediction import predict_probabilities


@dataclass(frozen=True)
class Judgement:
    """One attribute's predictions on the test images whose label is known.

    rows: (n,) positions among the test images
    actual: (n,) index of the true class
    probabilities: (n, C)
    """

    attribute: Attribute
    rows: Integers
    actual: Integers
    probabilities: Floats

    @property
    def predicted(self) -> Integers:
        """(n,) index of the most probable class."""
        predicted: Integers = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def confidence(self) -> Floats:
        """(n,) probability of the predicted class."""
        confidence: Floats = self.probabilities.max(axis=1)
        return confidence

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the prediction is true."""
        right: NDArray[np.bool_] = self.predicted == self.actual
        return right

    @property
    def matrix(self) -> Integers:
        """(C, C) confusion matrix, a row per true class."""
        return confusion_matrix(self.actual, self.predicted, len(self.attribute.classes))


@dataclass(frozen=True)
class Evaluation:
    """A model's judgements on the test images, one per attribute that has test labels.

    images: (N, 3, H, W) uint8, the test images; files: their N names
    unjudged: attributes of which no test image has a label
    """

    images: Tensor
    files: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    unjudged: tuple[str, ...]

    @property
    def warnings(self) -> list[str]:
        """What the user should know beside the figures."""
        return [
            f"{name}: no test image has a label, so nothing is said of it" for name in self.unjudged
        ]


def evaluate(model: Model, data: PreparedData) -> Evaluation:
    """Let `model` predict the test images of `data`; unknown labels are left out.

    Raises InputError when the model was made for other images or attributes, or nothing can be
    judged.
    """
    if (model.attributes, model.preprocessing) != (data.attributes, data.preprocessing):
        raise InputError(
            "the model was trained on other attributes, classes or image sizes than the data has",
            hint="train it on this data: amelio repro train",
        )
    images, labels = data.on(Side.TEST)
    every = [
        _judge(attribute, labels[:, column].numpy(), probabilities.double().numpy())
        for column, (attribute, probabilities) in enumerate(
            zip(data.attributes, predict_probabilities(model, images), strict=True)
        )
    ]
    judged = tuple(judgement for judgement in every if len(judgement.rows))
    if not judged:
        raise InputError(
            f"none of the {len(images)} test images has a label",
            hint="annotate more images, or raise evaluate.test_size in params.yaml",
        )
    return Evaluation(
        images=images,
        files=tuple(np.array(data.files)[(data.sides == int(Side.TEST)).numpy()].tolist()),
        judgements=judged,
        unjudged=tuple(each.attribute.name for each in every if not len(each.rows)),
    )


def _judge(attribute: Attribute, labels: Integers, probabilities: Floats) -> Judgement:
    rows = np.flatnonzero(labels >= 0).astype(np.int64)
    return Judgement(attribute, rows, labels[rows], probabilities[rows])
