"""Accuracy on images that are darker, blurred, noisy, compressed or shifted, ever more so."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Side
from amelio.vision.evaluation.answers import Answers
from amelio.vision.evaluation.comparison import accuracies
from amelio.vision.inference.prediction import predict_probabilities


class Corruption(StrEnum):
    """What is done to the images, and what a strength of it means.

    BRIGHTNESS: each image darker or lighter by this share
    BLUR: deviation of a Gaussian, in shares of the image's side
    NOISE: deviation of Gaussian noise, in grey levels of 255
    JPEG: quality that the image is compressed with
    SHIFT: in shares of the side, in a random direction; the border is repeated
    """

    BRIGHTNESS = "brightness"
    BLUR = "blur"
    NOISE = "noise"
    JPEG = "jpeg"
    SHIFT = "shift"


STRENGTHS = {
    Corruption.BRIGHTNESS: (0.2, 0.4, 0.6, 0.8),
    Corruption.BLUR: (0.01, 0.02, 0.04, 0.08),
    Corruption.NOISE: (8, 16, 32, 64),
    Corruption.JPEG: (50, 25, 10, 5),
    Corruption.SHIFT: (0.05, 0.1, 0.2, 0.3),
}
LEVELS = (1, 2, 3, 4)  # places in STRENGTHS, from 1; 0 is the image as it is


@dataclass(frozen=True)
class Robustness:
    """Mean accuracies over the attributes, on the test images.

    clean: on the images as they are; under: at each level of each corruption, mild to strong
    """

    n_images: int
    clean: float
    under: dict[Corruption, tuple[float, ...]]


def measure_robustness(model: Model, data: PreparedData, seed: int) -> Robustness:
    """Predict the test images of `data` at every level; the same seed, the same images.

    The model must be one of this data: same attributes, same image size.
    """
    images = data.on(Side.TEST)[0]
    under = {
        corruption: tuple(
            _accuracy(model, corrupt(images, corruption, strength, seed), data)
            for strength in strengths
        )
        for corruption, strengths in STRENGTHS.items()
    }
    return Robustness(len(images), _accuracy(model, images, data), under)


def corrupt(images: Tensor, corruption: Corruption, strength: float, seed: int) -> Tensor:
    """Change images (N, 3, H, W) uint8; the result is of the same shape and type."""
    works: dict[Corruption, Callable[[Tensor, float, torch.Generator], Tensor]] = {
        Corruption.BRIGHTNESS: _brightness,
        Corruption.BLUR: _blur,
        Corruption.NOISE: _noise,
        Corruption.JPEG: _jpeg,
        Corruption.SHIFT: _shift,
    }
    generator = torch.Generator().manual_seed(seed)
    changed = [works[corruption](chunk, strength, generator) for chunk in torch.split(images, 256)]
    return torch.cat(changed)


def curve_rows(robustness: Robustness) -> Iterator[list[float]]:
    """A row for each level, from 0: the level, and the accuracy under every corruption."""
    yield [0, *(robustness.clean for _ in Corruption)]
    for place, level in enumerate(LEVELS):
        yield [level, *(robustness.under[corruption][place] for corruption in Corruption)]


def _accuracy(model: Model, images: Tensor, data: PreparedData) -> float:
    probabilities = predict_probabilities(model, images)
    predicted = {
        attribute.name: each.argmax(1).numpy()
        for attribute, each in zip(model.attributes, probabilities, strict=True)
    }
    return fmean(accuracies(Answers("", predicted), data).values())


def _bytes(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def _brightness(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    darker = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return _bytes(images * torch.where(darker, 1 - share, 1 + share))


def _blur(images: Tensor, share: float, _: torch.Generator) -> Tensor:
    deviation = share * images.shape[-1]
    reach = max(1, round(3 * deviation))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(places**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = functional.pad(images.float(), (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(padded, kernel[:, None, None, :], groups=3)
    return _bytes(functional.conv2d(across, kernel[:, None, :, None], groups=3))


def _noise(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    return _bytes(images + deviation * torch.randn(images.shape, generator=generator))


def _jpeg(images: Tensor, quality: float, _: torch.Generator) -> Tensor:
    def compressed(pixels: Tensor) -> Tensor:
        buffer = io.BytesIO()
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=int(quality))
        with Image.open(buffer) as image:
            return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    return torch.stack([compressed(pixels) for pixels in images])


def _shift(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    size = images.shape[-1]
    reach = max(1, round(share * size))
    angles = torch.rand(len(images), generator=generator) * 2 * torch.pi
    rows, columns = ((reach * each(angles)).round().long() for each in (torch.sin, torch.cos))
    places = torch.arange(size)
    down = (places[None] - rows[:, None]).clamp(0, size - 1)
    right = (places[None] - columns[:, None]).clamp(0, size - 1)
    which = torch.arange(len(images))[:, None, None]
    return images.permute(0, 2, 3, 1)[which, down[:, :, None], right[:, None, :]].permute(
        0, 3, 1, 2
    )
