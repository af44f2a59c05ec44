"""Who trains, who validates, who tests: decided for each image by its own content.

Two numbers in [0, 1) are drawn from an image's content, each by hashing it with a seed:
u with `evaluate.random_state`, v with `data.seed`. Then the image is for

    testing      if u < evaluate.test_size, whatever `data` says;
    validation   else if v < data.val_split;
    training     else if v < data.val_split + data.train_split;
    nothing      else.

So files of equal content stand on one side, an image stays where it is when others come or go or
are renamed, the test set depends on `evaluate` alone, and `train_split` and `val_split` are shares
of what is not for testing.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amelio.vision.data.schema import Side
from amelio.vision.params import DataParams, EvaluateParams


def sides_of(
    digests: Sequence[bytes], data: DataParams, evaluate: EvaluateParams
) -> NDArray[np.uint8]:
    """The side of each image: (N,) uint8, values of Side.

    digests: what identifies the images' contents
    """
    return np.array([_side(digest, data, evaluate) for digest in digests], dtype=np.uint8)


def _side(digest: bytes, data: DataParams, evaluate: EvaluateParams) -> Side:
    if _draw(digest, "test", evaluate.random_state) < evaluate.test_size:
        return Side.TEST
    drawn = _draw(digest, "validation", data.seed)
    if drawn < data.val_split:
        return Side.VALIDATION
    # 0.9 + 0.1 may come out below 1: what is meant is that nothing is left over
    return Side.TRAIN if drawn < data.val_split + data.train_split + 1e-9 else Side.UNUSED


def _draw(digest: bytes, purpose: str, seed: int) -> float:
    """A number in [0, 1), independent of the others for every purpose and seed."""
    drawn = hashlib.blake2b(f"{purpose}:{seed}:".encode() + digest, digest_size=8).digest()
    return int.from_bytes(drawn, "big") / 2**64
