"""Real image files, made on the spot."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def gradient(width: int = 40, height: int = 40, seed: int = 0) -> Image.Image:
    """A smooth RGB picture in which every corner looks different, another for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    coarse[0, 0], coarse[-1, -1] = (250, 10, 10), (10, 10, 250)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_picture(path: Path, seed: int = 0, size: int = 24) -> Path:
    """Write a picture of its own for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    gradient(size, size, seed).save(path)
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims this size, with next to no data: what a bomb looks like."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
