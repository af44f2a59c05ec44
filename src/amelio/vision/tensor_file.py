"""Tensors and plain values on disk, all or nothing; equal values give equal bytes."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from amelio.atomic import replacing
from amelio.vision.disk_space import room_for


def save_tensors(stored: dict[str, Any], path: Path) -> None:
    """Write `stored` to `path` so that `torch.load(…, weights_only=True)` reads it.

    Raises EnvironmentFailedError when the disk is full.
    """
    with (
        room_for(path, sum(_sizes_bytes(stored))),
        replacing(path) as temporary,
        temporary.open("wb") as file,
    ):
        torch.save(stored, file)  # given a path, torch would put its name into the archive


def load_tensors(path: Path, *, mmap: bool = False) -> dict[str, Any]:
    """What `save_tensors` wrote; nothing but tensors and plain values is ever made of a file.

    mmap: leave tensors on disk until they are used

    Raises ValueError for a file that unpacks to more than it is, and what zipfile and torch raise
    for files that are missing, damaged or hostile: they name no common base.
    """
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("compressed, as torch.save never writes it")
    stored: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu", mmap=mmap)
    return stored


def _sizes_bytes(value: Any) -> Iterator[int]:
    """What the tensors and texts in `value` take."""
    if isinstance(value, Tensor):
        yield value.nbytes
    elif isinstance(value, str):
        yield len(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _sizes_bytes(item)
