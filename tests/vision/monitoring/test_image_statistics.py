"""Image statistics of pictures whose figures are known."""

import numpy as np
import pytest
import torch

from amelio.vision.monitoring.image_statistics import STATISTICS, image_statistics


def statistics(image: torch.Tensor) -> dict[str, float]:
    (row,) = image_statistics(image.unsqueeze(0))
    return dict(zip(STATISTICS, row.tolist(), strict=True))


def plain(red: int, green: int, blue: int) -> torch.Tensor:
    return torch.tensor([red, green, blue], dtype=torch.uint8).view(3, 1, 1).expand(3, 8, 8)


def test_a_plain_colour() -> None:
    found = statistics(plain(200, 100, 0))
    assert (found["red"], found["green"], found["blue"]) == (200, 100, 0)
    assert found["saturation"] == 200
    assert found["brightness"] == pytest.approx(0.299 * 200 + 0.587 * 100)
    assert found["contrast"] == pytest.approx(0, abs=1e-4)
    assert found["sharpness"] == pytest.approx(0, abs=1e-4)


def test_stripes_have_contrast_and_a_blur_takes_sharpness_away() -> None:
    stripes = torch.zeros(3, 16, 16, dtype=torch.uint8)
    stripes[:, :, ::2] = 200
    found = statistics(stripes)
    assert found["contrast"] == pytest.approx(np.std([0, 200] * 128, ddof=1), rel=1e-4)
    assert found["sharpness"] == pytest.approx(400, rel=1e-4)
    blurred = torch.nn.functional.avg_pool2d(stripes.float(), 3, 1, 1).to(torch.uint8)
    assert statistics(blurred)["sharpness"] < found["sharpness"] / 2


def test_any_number_of_images() -> None:
    assert image_statistics(torch.empty(0, 3, 8, 8, dtype=torch.uint8)).shape == (0, 7)
    images = torch.randint(256, (300, 3, 8, 8), dtype=torch.uint8)
    one_by_one = np.concatenate([image_statistics(image.unsqueeze(0)) for image in images])
    np.testing.assert_allclose(image_statistics(images), one_by_one, rtol=1e-5)
