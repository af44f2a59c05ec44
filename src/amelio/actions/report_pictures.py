"""Images as they stand inside a page: small enough, and without Pillow as they are."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from amelio.dvcio.figures.plots import Plot, PlotImage
from amelio.insight.wording import size
from amelio.reports.facts import Chart, Picture

KINDS = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".gif": "gif",
    ".svg": "svg+xml",
    ".webp": "webp",
}
MAX_AS_IS = 250_000  # bytes; larger images are made smaller
MAX_WITHOUT_PILLOW = 1_500_000
MAX_WIDTH = 1400  # pixels
THUMBNAIL = 144
MAX_PIXELS = 60_000_000


def charts_of(plots: Sequence[Plot], tell: Callable[[str], None]) -> tuple[Chart, ...]:
    """Plots as charts; those of one folder with several make a group of that folder's name.

    tell: called with what is left out
    """
    folders = [str(PurePosixPath(plot.name).parent) for plot in plots]
    charts = []
    for plot, folder in zip(plots, folders, strict=True):
        is_grouped = folder != "." and folders.count(folder) > 1
        pictures = tuple(filter(None, (_picture(each, tell) for each in plot.images)))
        if plot.spec is None and not pictures:
            continue
        charts.append(
            Chart(
                title=PurePosixPath(plot.name).stem if is_grouped else plot.name,
                group=folder if is_grouped else plot.name,
                spec=plot.spec,
                rows=plot.rows,
                pictures=pictures,
                notes=plot.notes,
            )
        )
    return tuple(charts)


def _picture(image: PlotImage, tell: Callable[[str], None]) -> Picture | None:
    suffix = PurePosixPath(image.path).suffix.lower()
    source = _embedded(image.content, suffix)
    if source is None:
        tell(f"The image {image.path} ({size(len(image.content))}) is too large to show.")
        return None
    return Picture(source, caption="" if image.state == "workspace" else f"as of {image.state}")


def _embedded(content: bytes, suffix: str) -> str | None:
    """A `data:` URI; None for what is too large, or no image."""
    if suffix not in KINDS:
        return None
    if len(content) > MAX_AS_IS and suffix != ".svg":
        smaller = _smaller(content, MAX_WIDTH)
        if smaller is not None:
            return _uri(smaller, "webp")
    return _uri(content, KINDS[suffix]) if len(content) <= MAX_WITHOUT_PILLOW else None


def thumbnail(path: Path) -> str | None:
    """A small square-ish copy as a `data:` URI; None for what is no image, or without Pillow."""
    try:
        content = path.read_bytes() if path.stat().st_size < 50_000_000 else b""
    except OSError:
        return None
    smaller = _smaller(content, THUMBNAIL)
    return _uri(smaller, "webp") if smaller else None


def _smaller(content: bytes, width: int) -> bytes | None:
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ModuleNotFoundError:
        return None
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (width, width))
            upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((width, width * 3))
        buffer = io.BytesIO()
        upright.save(buffer, "WEBP", quality=72, method=4)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    return buffer.getvalue()


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
