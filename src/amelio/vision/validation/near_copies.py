"""Pictures that show the same: re-encoded, resized, brightened copies of one another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 8  # of 63 that may differ: JPEG, half the size, ±20 % light changed up to 8, mostly 2
_BLOCK = 128  # rows compared at a time: the table of their distances stays in the processor's cache
_AT_ONCE = 100_000  # pairs whose pixels are compared at a time


@dataclass(frozen=True)
class NearCopies:
    """Pairs of rows, the smaller one first, sorted.

    first, second: (P,) int64; similarity: (P,) float32, correlation of the pixels in [-1, 1]
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float32]


def near_copies(
    hashes: NDArray[np.uint64], tiny: NDArray[np.uint8], similarity: float
) -> NearCopies:
    """Pairs whose hashes differ in at most 8 bits and whose pixels correlate by `similarity`.

    hashes: (N,); tiny: (N, S, S, 3), small copies of the pictures
    """
    found = [(*pair, close) for pair, close in _compared(hashes, tiny, similarity) if len(close)]
    if not found:
        nothing = np.empty(0, np.int64)
        return NearCopies(nothing, nothing, np.empty(0, np.float32))
    first, second, close = (np.concatenate(part) for part in zip(*found, strict=True))
    return NearCopies(first, second, close)


Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


def _compared(
    hashes: NDArray[np.uint64], tiny: NDArray[np.uint8], similarity: float
) -> Iterator[tuple[Pair, NDArray[np.float32]]]:
    for all_first, all_second in _candidates(hashes):
        for start in range(0, len(all_first), _AT_ONCE):
            first = all_first[start : start + _AT_ONCE]
            second = all_second[start : start + _AT_ONCE]
            close = (_standardised(tiny[first]) * _standardised(tiny[second])).mean(axis=1)
            kept = close >= similarity
            yield (first[kept], second[kept]), close[kept]


def _candidates(hashes: NDArray[np.uint64]) -> Iterator[Pair]:
    """Every pair is looked at: 2 · 10⁸ distances, of 20,000 images, take half a second."""
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        distances = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        row, column = np.nonzero(distances <= MOST_BITS)
        later = column > row
        yield row[later] + start, column[later] + start


def _standardised(tiny: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, S · S · 3) float32 of mean 0 and variance 1: light and contrast are no difference."""
    flat = tiny.reshape(len(tiny), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    spread = np.sqrt((flat**2).mean(axis=1, keepdims=True))
    standardised: NDArray[np.float32] = flat / np.maximum(spread, 1e-3)
    return standardised
