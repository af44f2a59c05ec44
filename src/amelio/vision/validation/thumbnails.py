"""Small copies of pictures inside a page, which needs no other file then."""

import base64
import io
from pathlib import Path

from PIL import Image

from amelio.vision.data.images import (
    UnreadableImageError,
    bombs_refused,
    opened,
    read_content,
    upright_rgb,
)

SIDE = 96  # pixels
_SMALLEST = 32  # pictures below this side are shown in larger pixels, not smoothed


def thumbnail(path: Path) -> str | None:
    """A `data:` URL of the picture, None where there is none."""
    try:
        with bombs_refused(), opened(read_content(path)) as image:
            image.draft(None, (2 * SIDE, 2 * SIDE))
            picture = upright_rgb(image)
            scale = SIDE / max(picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            smooth = Image.Resampling.BICUBIC if max(picture.size) > _SMALLEST else None
            small = picture.resize(size, smooth or Image.Resampling.NEAREST)
    except UnreadableImageError:
        return None
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
