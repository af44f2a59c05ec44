"""Corruptions do what they say, more of it at every level, and the same for the same seed."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from amelio.vision.checkpoint import Model, new_net
from amelio.vision.data.schema import Side
from amelio.vision.evaluation.metrics import Floats
from amelio.vision.evaluation.robustness import (
    STRENGTHS,
    Corruption,
    corrupt,
    curve_rows,
    measure_robustness,
)
from tests.vision.conftest import MakeData


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Smooth pictures with an edge: (12, 3, 32, 32) uint8."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand((12, 3, 4, 4), generator=generator) * 150 + 50
    smooth = torch.nn.functional.interpolate(rough, size=32, mode="bilinear")
    smooth[:, :, 8:16, 8:16] = 20
    return smooth.to(torch.uint8)


@pytest.mark.parametrize("corruption", Corruption)
def test_each_level_changes_more_and_a_seed_repeats(
    images: torch.Tensor, corruption: Corruption
) -> None:
    changes = []
    for strength in STRENGTHS[corruption]:
        changed = corrupt(images, corruption, strength, seed=1)
        assert changed.shape == images.shape
        assert changed.dtype == torch.uint8
        assert changed.equal(corrupt(images, corruption, strength, seed=1))
        changes.append(float((changed.float() - images.float()).abs().mean()))
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    noisy = corrupt(grey, Corruption.NOISE, 16, seed=0).float()
    assert float(noisy.std()) == pytest.approx(16, rel=0.05)
    assert float(noisy.mean()) == pytest.approx(128, abs=0.5)


def test_brightness_makes_some_darker_and_some_lighter() -> None:
    grey = torch.full((20, 3, 8, 8), 100, dtype=torch.uint8)
    found = corrupt(grey, Corruption.BRIGHTNESS, 0.4, seed=0)
    assert set(found.flatten().tolist()) == {60, 140}


def test_blur_is_scipys_gaussian(images: torch.Tensor) -> None:
    mine = corrupt(images, Corruption.BLUR, 0.05, seed=0)[0, 0].numpy().astype(float)
    theirs: Floats = ndimage.gaussian_filter(
        images[0, 0].numpy().astype(float), 0.05 * 32, mode="nearest", truncate=3
    )
    assert np.abs(mine - theirs).max() <= 1


def test_jpeg_is_pillows(images: torch.Tensor) -> None:
    buffer = io.BytesIO()
    Image.fromarray(images[3].permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=10)
    expected = np.asarray(Image.open(buffer))
    mine = corrupt(images, Corruption.JPEG, 10, seed=0)[3].permute(1, 2, 0).numpy()
    assert (mine == expected).all()


def test_a_shift_moves_the_picture_and_repeats_its_border() -> None:
    dot = torch.zeros((30, 3, 21, 21), dtype=torch.uint8)
    dot[:, :, 10, 10] = 255
    for image in corrupt(dot, Corruption.SHIFT, 0.2, seed=0):
        [(row, column)] = image[0].nonzero().tolist()
        assert np.hypot(row - 10, column - 10) == pytest.approx(4, abs=0.75)


def test_accuracy_falls_from_its_clean_value(make_data: MakeData) -> None:
    data = make_data(n=60)
    torch.manual_seed(0)
    net = new_net(data.attributes, data.preprocessing).eval()
    found = measure_robustness(Model(net, data.attributes, data.preprocessing), data, seed=0)
    assert found.n_images == int((data.sides == int(Side.TEST)).sum())
    rows = list(curve_rows(found))
    assert rows[0] == [0, *[found.clean] * len(Corruption)]
    assert [row[0] for row in rows] == [0, 1, 2, 3, 4]
    assert [row[3] for row in rows[1:]] == list(found.under[Corruption.NOISE])
