"""What a person notices first in a picture, as numbers: how bright, how sharp, which colour."""

import numpy as np
import torch
from torch import Tensor

from amelio.vision.evaluation.metrics import Floats

STATISTICS = ("brightness", "contrast", "sharpness", "saturation", "red", "green", "blue")

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_CHUNK = 256  # images at a time, which bounds the memory


def image_statistics(images: Tensor) -> Floats:
    """A row for each image, a column for each of STATISTICS; all in grey levels, 0 … 255.

    images: (N, 3, H, W) uint8
    returns: (N, 7)

    brightness: mean of the luma; contrast: its standard deviation; sharpness: mean size of its
    Laplacian, near 0 in a blurred image; saturation: mean of the largest channel minus the
    smallest; red, green, blue: means of the channels
    """
    chunks = [chunk for chunk in torch.split(images, _CHUNK) if len(chunk)]
    parts = [_statistics(chunk.float()).numpy() for chunk in chunks]
    return np.concatenate([np.empty((0, len(STATISTICS))), *parts])


def _statistics(images: Tensor) -> Tensor:
    luma = (images * torch.tensor(_LUMA).view(1, 3, 1, 1)).sum(1)
    inner = luma[:, 1:-1, 1:-1]
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    columns = [
        luma.mean((1, 2)),
        luma.std((1, 2)),
        (around - 4 * inner).abs().mean((1, 2)),
        (images.amax(1) - images.amin(1)).mean((1, 2)),
        *images.mean((2, 3)).unbind(1),
    ]
    return torch.stack(columns, 1).double()
