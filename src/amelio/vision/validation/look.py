"""What can be told of one picture at a glance: size, kind, light, sharpness, and a fingerprint."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from amelio.vision.data.images import Pixels, opened, upright_rgb

METHOD = 1  # goes up when equal files would give another look than before
VIEW = 256  # pixels; larger pictures are averaged down by a whole factor
TINY = 16  # side of the small copy that tells whether two pictures are one

_GREY_TOLERANCE = 3  # levels between the channels of what is grey; JPEG makes some
_SAMPLES = 32
_FREQUENCIES = 8
_PLACES = np.arange(_SAMPLES)
_COSINES = np.cos(
    np.pi * (2 * _PLACES + 1) * np.arange(_FREQUENCIES)[:, None] / (2 * _SAMPLES)
).astype(np.float32)
_BITS = 1 << np.arange(_FREQUENCIES**2 - 1, dtype=np.uint64)


class Mode(IntEnum):
    """Kinds of pictures; grey is what looks grey, however it is stored."""

    COLOUR = 0
    GREY = 1
    TRANSPARENT = 2
    SIXTEEN_BIT = 3
    CMYK = 4


# width, height in pixels; low, high: 5th and 99th percentile of grey levels; spread: their standard
# deviation; sharpness: variance of the Laplacian; hash: 63 bits that similar pictures share
LOOK = np.dtype(
    [
        ("width", "<u4"),
        ("height", "<u4"),
        ("mode", "u1"),
        ("low", "<f4"),
        ("high", "<f4"),
        ("spread", "<f4"),
        ("sharpness", "<f4"),
        ("hash", "<u8"),
        ("tiny", "u1", (TINY, TINY, 3)),
    ]
)


def look_at(content: bytes) -> Pixels:
    """The look of the picture in a file's `content`, as the bytes of one LOOK.

    Raises UnreadableImageError.
    """
    with opened(content) as image:
        look = np.zeros((), LOOK)
        look["width"], look["height"] = image.size
        look["mode"] = _stored_mode(image)
        image.draft(None, (2 * VIEW, 2 * VIEW))  # JPEG only: decodes at a fraction of the size
        picture = upright_rgb(image)
        factor = max(1, max(picture.size) // VIEW)
        _fill(look, picture.reduce(factor) if factor > 1 else picture)
    return np.frombuffer(look.tobytes(), np.uint8)


def _fill(look: NDArray[np.void], view: Image.Image) -> None:
    grey = view.convert("L")
    levels = np.asarray(grey)
    tiny = np.asarray(view.resize((TINY, TINY), Image.Resampling.BOX))
    if look["mode"] == Mode.COLOUR and _is_grey(tiny):
        look["mode"] = Mode.GREY
    look["low"], look["high"] = _percentiles(grey, (0.05, 0.99))
    look["spread"] = levels.std()
    look["sharpness"] = _sharpness(levels)
    look["hash"] = _perceptual_hash(grey)
    look["tiny"] = tiny


def _stored_mode(image: Image.Image) -> Mode:
    if image.mode.startswith("I"):
        return Mode.SIXTEEN_BIT
    if image.mode == "CMYK":
        return Mode.CMYK
    return Mode.TRANSPARENT if image.has_transparency_data else Mode.COLOUR


def _is_grey(tiny: Pixels) -> bool:
    channels = tiny.astype(np.int16)
    return bool(np.abs(channels - channels[..., :1]).max() <= _GREY_TOLERANCE)


def _percentiles(grey: Image.Image, shares: tuple[float, ...]) -> NDArray[np.intp]:
    """The grey levels below which these shares of the pixels lie."""
    reached = np.cumsum(grey.histogram())
    found: NDArray[np.intp] = np.searchsorted(reached, np.array(shares) * reached[-1])
    return found


def _sharpness(levels: Pixels) -> float:
    """Variance of the Laplacian, which blur makes small; 0 where the picture is too small.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000.
    """
    grey = levels.astype(np.int16)
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1]
    edges = edges - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(edges.var()) if edges.size else 0.0


def _perceptual_hash(grey: Image.Image) -> np.uint64:
    """Which of the 63 lowest frequencies are above their median: scale and light change few bits.

    Source: Zauner, Implementation and benchmarking of perceptual image hash functions, 2010.
    """
    samples = np.asarray(grey.resize((_SAMPLES, _SAMPLES), Image.Resampling.BILINEAR))
    frequencies = (_COSINES @ samples.astype(np.float32) @ _COSINES.T).ravel()[1:]
    return np.uint64(_BITS[frequencies > np.median(frequencies)].sum())
