"""The look of one picture, against what the picture was made of."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from amelio.vision.data.images import UnreadableImageError
from amelio.vision.validation.look import LOOK, Mode, look_at
from tests.vision.pictures import encoded, gradient, png_header


def look(content: bytes) -> Any:
    return look_at(content).view(LOOK)[0]


def test_size_light_and_spread() -> None:
    levels = np.zeros((20, 40), np.uint8)
    levels[:, 20:] = 200
    seen = look(encoded(Image.fromarray(levels)))
    assert (seen["width"], seen["height"]) == (40, 20)
    assert (seen["low"], seen["high"], seen["spread"]) == (0, 200, 100)


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (gradient(), Mode.COLOUR),
        (gradient().convert("L"), Mode.GREY),
        (gradient().convert("L").convert("RGB"), Mode.GREY),
        (gradient().convert("RGBA"), Mode.TRANSPARENT),
        (gradient().convert("P"), Mode.COLOUR),
        (Image.fromarray(np.full((9, 9), 4000, np.uint16)), Mode.SIXTEEN_BIT),
    ],
)
def test_modes(image: Image.Image, mode: Mode) -> None:
    assert look(encoded(image))["mode"] == mode


def test_grey_that_jpeg_has_tinted_is_grey() -> None:
    grey = gradient().convert("L").convert("RGB")
    assert look(encoded(grey, "JPEG", quality=60))["mode"] == Mode.GREY
    cmyk = gradient().convert("CMYK")
    assert look(encoded(cmyk, "JPEG"))["mode"] == Mode.CMYK


def test_blur_takes_sharpness_away() -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8))
    sharp = look(encoded(noise))["sharpness"]
    assert look(encoded(noise.filter(ImageFilter.GaussianBlur(2))))["sharpness"] < sharp / 20


def test_large_pictures_are_told_by_their_own_size() -> None:
    large = gradient(1200, 900)
    seen = look(encoded(large, "JPEG"))
    assert (seen["width"], seen["height"]) == (1200, 900)
    small = look(encoded(gradient(300, 225)))
    assert np.bitwise_count(seen["hash"] ^ small["hash"]) <= 2


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 2)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    seen = look(encoded(Image.new("RGB", size, (3, 4, 5))))
    assert (seen["width"], seen["height"]) == size
    assert seen["sharpness"] == 0


@pytest.mark.parametrize("content", [b"<html>", encoded(gradient())[:-50], png_header(20000, 9000)])
def test_no_picture(content: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        look_at(content)
