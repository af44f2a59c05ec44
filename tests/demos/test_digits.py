"""Digits: the bundled images, each once, with the right attributes."""

import io
from collections import Counter

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from amelio.demos import digits


def test_every_bundled_digit_comes_once_in_a_seeded_order() -> None:
    shown = [digits.labels(0, position).digit for position in range(digits.N_DIGITS)]
    assert Counter(shown) == Counter(load_digits().target.tolist())
    other_seed = [digits.labels(1, position).digit for position in range(digits.N_DIGITS)]
    assert shown != other_seed


def test_attributes_follow_from_the_digit() -> None:
    for position in range(100):
        labels = digits.labels(0, position)
        assert labels.even == (labels.digit in (0, 2, 4, 6, 8))
        assert labels.has_loop == (labels.digit in (0, 6, 8, 9))


def test_the_image_is_the_bundled_one_in_dark_ink_on_white() -> None:
    """Each image, made small again, is nearest to a bundled image of its own digit."""
    bunch = load_digits()
    for position in range(30):
        with Image.open(io.BytesIO(digits.png(0, position))) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (64, 64))
            small = 16 - np.asarray(image.reduce(8), dtype=np.float64) * (16 / 255)
        nearest = np.abs(bunch.images - small).sum(axis=(1, 2)).argmin()
        assert bunch.target[nearest] == digits.labels(0, position).digit


def test_same_bytes_every_time() -> None:
    assert digits.png(0, 5) == digits.png(0, 5)
    assert digits.png(0, 5) != digits.png(0, 6)
