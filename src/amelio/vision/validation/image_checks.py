"""How the pictures look, each by itself → what is odd about them."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from amelio.vision.data.loading import Unreadable
from amelio.vision.validation.findings import Check, Finding, Found, percent
from amelio.vision.validation.look import Mode
from amelio.vision.validation_params import ValidationParams

_NAMES = {
    Mode.COLOUR: "colour",
    Mode.GREY: "grey",
    Mode.TRANSPARENT: "with transparency",
    Mode.SIXTEEN_BIT: "16 bit",
    Mode.CMYK: "CMYK",
}


def check_images(
    files: tuple[str, ...],
    looks: NDArray[np.void],
    unreadable: tuple[Unreadable, ...],
    params: ValidationParams,
) -> Iterator[Found]:
    """One Found for each check of single images.

    files: n readable ones; looks: (n,) LOOK
    """
    n_images = len(files) + len(unreadable)

    def odd(
        check: Check, is_odd: NDArray[np.bool_], text: Callable[[NDArray[np.void]], str]
    ) -> Found:
        found = [
            Finding(f"{files[row]}: {text(looks[row])}", files=(files[row],))
            for row in np.flatnonzero(is_odd)
        ]
        return Found(check, len(found), n_images, found)

    reasons = [
        Finding(f"{image.file}: {image.reason}", files=(image.file,)) for image in unreadable
    ]
    yield Found(Check.UNREADABLE, len(reasons), n_images, reasons)
    yield odd(
        Check.SIZE,
        _is_odd_size(looks, params.size.min_side, params.size.max_aspect),
        lambda look: f"{look['width']}×{look['height']} pixels",
    )
    usual = Mode(int(np.bincount(looks["mode"], minlength=1).argmax()))
    yield odd(
        Check.MODE,
        looks["mode"] != usual,
        lambda look: f"{_NAMES[Mode(int(look['mode']))]}, most are {_NAMES[usual]}",
    )
    is_uniform = looks["spread"] < params.uniform.below
    is_dark = looks["high"] < params.dark.below
    is_bright = looks["low"] > params.bright.above
    yield odd(
        Check.UNIFORM,
        is_uniform,
        lambda look: f"grey levels vary by {look['spread']:.1f} only",
    )
    yield odd(
        Check.DARK,
        is_dark,
        lambda look: f"99 % of its pixels are at grey level {look['high']:.0f} or below",
    )
    yield odd(
        Check.BRIGHT,
        is_bright,
        lambda look: f"95 % of its pixels are at grey level {look['low']:.0f} or above",
    )
    usual_sharpness = float(np.median(looks["sharpness"])) if len(looks) else 0.0
    is_dull = looks["sharpness"] < params.blurred.below * usual_sharpness
    yield odd(
        Check.BLURRED,
        is_dull & ~(is_uniform | is_dark | is_bright),  # in which there are no edges to see
        lambda look: (
            f"{percent(float(look['sharpness']) / usual_sharpness)} of the median sharpness"
        ),
    )


def _is_odd_size(looks: NDArray[np.void], min_side: int, max_aspect: float) -> NDArray[np.bool_]:
    sides = np.stack([looks["width"], looks["height"]])
    shorter, longer = sides.min(axis=0), sides.max(axis=0)
    is_odd: NDArray[np.bool_] = (shorter < min_side) | (longer > max_aspect * shorter)
    return is_odd
