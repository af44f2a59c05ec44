"""Handwritten digits with three attributes: real images that scikit-learn carries along.

Source: sklearn.datasets.load_digits, 1,797 images of 8×8 pixels from the UCI repository.
"""

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

N_DIGITS = 1797
SIDE_PX = 64
_INK_LEVELS = 16  # the bundled images have 0 … 16
_WITH_LOOP = frozenset({0, 6, 8, 9})


@dataclass(frozen=True)
class DigitLabels:
    """What is true of one digit; the names are the columns of the CSV."""

    digit: int
    even: int
    has_loop: int


def labels(seed: int, position: int) -> DigitLabels:
    """The labels of the digit that stands at `position` (0 … 1,796) in the seed's random order."""
    digit = int(_bundled()[1][_order(seed)[position]])
    return DigitLabels(digit=digit, even=int(digit % 2 == 0), has_loop=int(digit in _WITH_LOOP))


def png(seed: int, position: int) -> bytes:
    """That digit as a PNG file, 64×64 grey, dark ink on white."""
    ink = _bundled()[0][_order(seed)[position]]
    grey = np.rint(255 - ink * (255 / _INK_LEVELS)).astype(np.uint8)
    buffer = io.BytesIO()
    enlarged = Image.fromarray(grey).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def _bundled() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Images (1797, 8, 8) and digits (1797,)."""
    # Here, because the import takes a second.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images, bunch.target


@cache
def _order(seed: int) -> NDArray[np.int64]:
    """The images stand in the order of their writers: shuffled, so that all lots are alike."""
    return np.random.default_rng(seed).permutation(N_DIGITS)
