"""Near copies: found whatever was done to the picture, and none among pictures of a kind."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from amelio.demos import digits
from amelio.vision.validation.look import LOOK, look_at
from amelio.vision.validation.near_copies import NearCopies, near_copies
from amelio.vision.validation_params import ValidationParams
from tests.vision.pictures import encoded, gradient

SIMILARITY = ValidationParams().near_copies.similarity


def found(contents: Sequence[bytes], similarity: float = SIMILARITY) -> NearCopies:
    looks = np.stack([look_at(content) for content in contents]).view(LOOK).reshape(-1)
    return near_copies(looks["hash"], looks["tiny"], similarity)


def pairs(contents: Sequence[bytes], similarity: float = SIMILARITY) -> list[tuple[int, int]]:
    copies = found(contents, similarity)
    return list(zip(copies.first.tolist(), copies.second.tolist(), strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: encoded(image, "JPEG", quality=70),
        lambda image: encoded(image, "WEBP", quality=80),
        lambda image: encoded(image.resize((64, 64), Image.Resampling.BILINEAR)),
        lambda image: encoded(image.resize((150, 150), Image.Resampling.BICUBIC)),
        lambda image: encoded(ImageEnhance.Brightness(image).enhance(0.8)),
        lambda image: encoded(ImageEnhance.Contrast(image).enhance(0.8)),
        lambda image: encoded(image.convert("RGBA")),
    ],
    ids=["jpeg", "webp", "smaller", "larger", "darker", "flatter", "rgba"],
)
def test_a_changed_copy_is_found_among_others(change: Callable[[Image.Image], bytes]) -> None:
    pictures = [gradient(128, 128, seed) for seed in range(40)]
    contents = [encoded(picture) for picture in pictures]
    assert pairs([*contents, change(pictures[7])]) == [(7, 40)]


def test_pictures_of_a_kind_are_no_copies() -> None:
    contents = [digits.png(0, position) for position in range(500)]
    assert pairs(contents) == []
    assert pairs([*contents, contents[3]]) == [(3, 500)]
    assert len(pairs(contents, similarity=0.95)) > 3  # so the threshold is what decides


def test_pairs_are_those_of_all_with_all() -> None:
    """Across the blocks in which distances are computed."""
    rng = np.random.default_rng(0)
    tiny = rng.integers(0, 256, (300, 16, 16, 3), dtype=np.uint8)
    hashes = rng.integers(0, 2**63, 300, dtype=np.uint64)
    for first, second, bits in ((3, 5, 8), (10, 290, 3), (126, 130, 0), (200, 201, 9)):
        tiny[second] = tiny[first]
        hashes[second] = hashes[first] ^ np.uint64((1 << bits) - 1)
    copies = near_copies(hashes, tiny, 0.99)
    assert list(zip(copies.first.tolist(), copies.second.tolist(), strict=True)) == [
        (3, 5),
        (10, 290),
        (126, 130),
    ]  # 9 bits are too many
    assert copies.similarity == pytest.approx([1, 1, 1], abs=1e-5)


def test_nothing_to_compare() -> None:
    nothing = near_copies(np.empty(0, np.uint64), np.empty((0, 16, 16, 3), np.uint8), 0.99)
    assert len(nothing.first) == 0
