"""All that is compared of an image: its statistics, its embedding, what the model predicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from amelio.vision.checkpoint import Model
from amelio.vision.inference.prediction import look
from amelio.vision.monitoring.image_statistics import image_statistics


@dataclass(frozen=True)
class Traits:
    """Of N images.

    statistics: (N, 7) float64, see image_statistics.py
    embeddings: (N, E) float32
    probabilities: (N, C) float32 for each attribute
    """

    statistics: Tensor
    embeddings: Tensor
    probabilities: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.statistics)

    def only(self, rows: Tensor) -> Self:
        """The traits of some of the images: positions or a mask."""
        return type(self)(
            self.statistics[rows],
            self.embeddings[rows],
            tuple(part[rows] for part in self.probabilities),
        )


def traits_of(model: Model, images: Tensor) -> Traits:
    """Traits of images (N, 3, S, S) uint8, prepared as `model.preprocessing` says."""
    seen = look(model, images)
    return Traits(
        torch.from_numpy(image_statistics(images)), seen.embeddings, tuple(seen.probabilities)
    )


def joined(parts: Sequence[Traits]) -> Traits:
    """The traits of several sets, at least one, in their order."""
    columns = zip(*(part.probabilities for part in parts), strict=True)
    return Traits(
        torch.cat([part.statistics for part in parts]),
        torch.cat([part.embeddings for part in parts]),
        tuple(torch.cat(column) for column in columns),
    )
