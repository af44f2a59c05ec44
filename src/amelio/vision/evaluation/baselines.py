"""What any model must beat: the most frequent class, and a linear model on pixels."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Side
from amelio.vision.evaluation.answers import Answers
from amelio.vision.evaluation.metrics import Integers

PIXELS = 16  # images become 16×16 before the linear model sees them
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)  # of a ridge regression
MOST = 20_000  # training images: 120 MB of pixels, and more change little


def majority_answers(data: PreparedData) -> Answers:
    """Always the class that most training images show; the first of equals."""
    n_test = int((data.sides == int(Side.TEST)).sum())
    labels = data.on(Side.TRAIN)[1].numpy()
    predicted: dict[str, Integers] = {}
    for column, attribute in enumerate(data.attributes):
        known = labels[:, column][labels[:, column] >= 0]
        counts = np.bincount(known, minlength=len(attribute.classes))
        predicted[attribute.name] = np.full(n_test, counts.argmax(), dtype=np.int64)
    return Answers("the majority class", predicted)


def linear_answers(data: PreparedData) -> Answers:
    """Ridge regression of the classes on 16×16 pixels; its penalty is chosen on validation images.

    Deterministic; it takes seconds.
    """
    (train, truth), (validation, wanted) = data.on(Side.TRAIN), data.on(Side.VALIDATION)
    step = -(-len(train) // MOST) or 1
    train, truth = train[::step], truth[::step]
    features, checked = _features(train), _features(validation)
    asked = _features(data.on(Side.TEST)[0])
    predicted: dict[str, Integers] = {}
    for column, attribute in enumerate(data.attributes):
        known, judged = truth[:, column] >= 0, wanted[:, column] >= 0
        targets = functional.one_hot(truth[known, column], len(attribute.classes)).double()
        weights = max(
            _ridges(features[known], targets),
            key=lambda weights: _n_right(checked[judged], weights, wanted[judged, column]),
        )
        predicted[attribute.name] = (asked @ weights).argmax(1).numpy()
    return Answers("a linear model on pixels", predicted)


def _features(images: Tensor) -> Tensor:
    """(N, 3, H, W) uint8 → (N, 1 + 3·16·16) float64, the first column constant."""
    chunks = [
        functional.adaptive_avg_pool2d(chunk.float() / 127.5 - 1, PIXELS).flatten(1)
        for chunk in torch.split(images, 1024)
    ]
    pixels = torch.cat(chunks).double() if chunks else torch.empty(0, 3 * PIXELS * PIXELS).double()
    return torch.cat([torch.ones(len(pixels), 1, dtype=torch.float64), pixels], 1)


def _ridges(features: Tensor, targets: Tensor) -> list[Tensor]:
    """Weights (F, C) for each penalty; the constant is not penalised."""
    product, cross = features.T @ features, features.T @ targets
    penalised = torch.ones(features.shape[1], dtype=torch.float64)
    penalised[0] = 1e-9  # not 0: a class without images would leave nothing to solve
    return [torch.linalg.solve(product + p * torch.diag(penalised), cross) for p in PENALTIES]


def _n_right(features: Tensor, weights: Tensor, labels: Tensor) -> int:
    return int(((features @ weights).argmax(1) == labels).sum())
