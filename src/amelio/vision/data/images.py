"""One image file, of whatever kind and whoever made it, becomes one square RGB array."""

import io
import math
import multiprocessing
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from amelio.errors import InputError
from amelio.vision.data.schema import Preprocessing

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_PIXELS = 50_000_000  # a 22 KB file can ask for 178 million: 1.2 GB of memory
MAX_BYTES = 256 * 2**20
MAX_FRAMES = 100
METHOD = 2  # goes up when equal files and parameters would give other pixels than before

# files are first averaged down to this many times the size that is asked for: after decoding, 2
# took 0.52 ms for 500×500 pixels, 1.5 takes 0.39
_OVERSAMPLING = 1.5
_BORDER_TOLERANCE = 12  # grey levels, after that averaging: JPEG's noise is a border still
_BEYOND_TOLERANCE = [0 if level <= _BORDER_TOLERANCE else 255 for level in range(256)] * 3
_RGB_OF_8_BITS = b"\x08\x02"  # in a PNG's header, at 24
_WHITE = (255, 255, 255, 255)


class UnreadableImageError(InputError):
    """A file that gives no picture; `reason` says why, without the path."""

    def __init__(self, reason: str, *, path: Path | str | None = None) -> None:
        super().__init__(f"not readable as an image: {reason}", path=path)
        self.reason = reason


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for an image."""
    return name.lower().endswith(SUFFIXES)


def read_content(path: Path) -> bytes:
    """The file's bytes; raises UnreadableImageError when there are none, or too many."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise UnreadableImageError("not a regular file", path=path)
        if status.st_size == 0:
            raise UnreadableImageError("the file is empty (0 bytes)", path=path)
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size / 2**20:.0f} MiB, at most {MAX_BYTES // 2**20} are read"
            raise UnreadableImageError(size, path=path)
        with path.open("rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error), path=path) from error


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Turn Pillow's warning of a decompression bomb into the error that `decode` reports.

    For the thread that starts the decoding ones: Python keeps one list of filters for all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(content: bytes, preprocessing: Preprocessing) -> Pixels:
    """The picture in `content` as training and inference see it: (S, S, 3) uint8, RGB.

    Turned as its EXIF says, transparency on white, 16 bits scaled to 8, the uniform border
    trimmed (see `content_box`), then shrunk with its proportions kept, and padded to a square in
    the colour of its corners. Of an animation the first frame counts.

    Raises UnreadableImageError; the header is checked before any pixel is decoded.
    """
    with opened(content) as image:
        size = preprocessing.image_size
        # JPEG only: libjpeg decodes at 1/2, 1/4 or 1/8 scale, at a fraction of the cost
        enough = int(2 * _OVERSAMPLING * size)
        image.draft(None, (enough, enough))
        return _squared(_plain_png(image, content) or upright_rgb(image), preprocessing)


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """The picture in `content`, its header checked, its pixels not decoded yet.

    Raises UnreadableImageError, also for whatever decoding in here comes upon.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_header(image)
            yield image
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"not one of {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableImageError(_too_large()) from error
    except Exception as error:  # damaged files raise a dozen kinds in Pillow
        raise UnreadableImageError(f"damaged: {error or type(error).__name__}") from error


def _plain_png(image: Image.Image, content: bytes) -> Image.Image | None:
    """The pixels of the commonest kind of PNG, in a worker process only; else None.

    500×500 pixels take 0.9 ms instead of Pillow's 1.45, but hold the GIL: threads are slower so.
    What this decoder finds damaged is left to Pillow, which says what is wrong.
    """
    is_plain = image.format == "PNG" and content[24:26] == _RGB_OF_8_BITS
    is_more = image.has_transparency_data or b"eXIf" in content or b"acTL" in content
    if not is_plain or is_more or multiprocessing.parent_process() is None:
        return None
    from kornia_rs.io import decode_image_png_u8

    try:
        pixels = decode_image_png_u8(content, (image.height, image.width), "rgb")
    except Exception:  # it knows no other
        return None
    return Image.frombuffer("RGB", image.size, pixels)


def upright_rgb(image: Image.Image) -> Image.Image:
    """As RGB, transparency on white, 16 bits scaled to 8, and turned as its EXIF says."""
    return _upright(_rgb(image))


def content_box(image: Image.Image) -> Box:
    """Left, top, right, bottom of what remains of an RGB image without its uniform border.

    A row or column belongs to the border while each of its pixels is within 12 grey levels, in
    every channel, of the corners' colour. A picture that is nothing but border is kept whole.
    """
    border = Image.new("RGB", image.size, corner_colour(image))
    differs = ImageChops.difference(image, border).point(_BEYOND_TOLERANCE)
    return differs.getbbox() or (0, 0, *image.size)


def corner_colour(image: Image.Image) -> Colour:
    """The corner of an RGB image that its other corners resemble most."""
    right, bottom = image.width - 1, image.height - 1
    places = ((0, 0), (right, 0), (0, bottom), (right, bottom))
    corners = [cast(Colour, image.getpixel(place)) for place in places]
    return min(corners, key=lambda corner: sum(math.dist(corner, other) for other in corners))


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"{width}×{height} pixels: {_too_large()}")
    n_frames = getattr(image, "n_frames", 1)
    if n_frames > MAX_FRAMES:
        raise UnreadableImageError(f"{n_frames} frames, at most {MAX_FRAMES} are allowed")


def _too_large() -> str:
    return f"more than {MAX_PIXELS // 1_000_000} megapixels"


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion clips at 255
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    """Turn by EXIF's orientation; EXIF data that is damaged does not make a picture unreadable."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, struct.error):
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def _squared(image: Image.Image, preprocessing: Preprocessing) -> Pixels:
    """Trim, shrink and pad an RGB image of any size."""
    size = preprocessing.image_size
    factor = max(1, int(max(image.size) / (_OVERSAMPLING * size)))
    probe = image.reduce(factor) if factor > 1 else image
    box = content_box(probe) if preprocessing.trim_border else (0, 0, *probe.size)
    # the last row and column may stand for fewer than `factor` pixels
    right, bottom = min(box[2], image.width / factor), min(box[3], image.height / factor)
    width, height = right - box[0], bottom - box[1]
    scale = size / max(width, height)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    edges = (box[0], box[1], right, bottom)
    source = probe
    if factor > 1 and scale > 1:  # little remains of a large picture: take it from the original
        source, edges = image, (box[0] * factor, box[1] * factor, right * factor, bottom * factor)
    shrunk = source.resize(target, Image.Resampling.BILINEAR, edges, _OVERSAMPLING)
    if target != (size, size):
        square = Image.new("RGB", (size, size), corner_colour(probe))
        square.paste(shrunk, ((size - target[0]) // 2, (size - target[1]) // 2))
        shrunk = square
    return np.asarray(shrunk)
