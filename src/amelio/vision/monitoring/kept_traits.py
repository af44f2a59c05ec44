"""Traits that were computed once, on disk: whatever they were computed from is in their key."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from amelio.vision.monitoring.traits import Traits
from amelio.vision.tensor_file import save_tensors

Found = tuple[Traits, Tensor]  # and the positions of the images, in the list that was asked for


def kept(path: Path, key: str, make: Callable[[], Found]) -> Found:
    """What `make` gives: read from `path` if that was written under the same `key`.

    A damaged file is made again. The file may be deleted at any time.
    """
    try:
        stored = torch.load(path, weights_only=True)
        if stored.pop("key") == key:
            return Traits(stored["statistics"], stored["embeddings"], stored["probabilities"]), (
                stored["rows"]
            )
    except Exception:  # torch names no common base for a damaged archive
        path.unlink(missing_ok=True)
    traits, rows = make()
    save_tensors({"key": key, "rows": rows, **vars(traits)}, path)
    return traits, rows
