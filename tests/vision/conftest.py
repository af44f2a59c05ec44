"""Small data that can be learnt in seconds."""

from collections.abc import Callable

import pytest
import torch

from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Attribute, Preprocessing, Side

MakeData = Callable[..., PreparedData]
SHARES = {Side.TRAIN: 0.6, Side.VALIDATION: 0.8}  # the rest is for testing


@pytest.fixture(scope="session")
def make_data() -> MakeData:
    """Noisy squares of one colour; attributes `colour` (3 classes) and `mirrored` (0/1, hard)."""

    def make(n: int = 160, size: int = 8, seed: int = 0) -> PreparedData:
        generator = torch.Generator().manual_seed(seed)
        colour = torch.randint(3, (n,), generator=generator)
        mirrored = torch.randint(2, (n,), generator=generator)
        images = torch.rand((n, 3, size, size), generator=generator) * 160
        images[torch.arange(n), colour] += 60
        images[mirrored == 1, :, : size // 2] += 35
        sides = torch.full((n,), int(Side.TEST), dtype=torch.uint8)
        for side, end in reversed(SHARES.items()):
            sides[: int(n * end)] = int(side)
        return PreparedData(
            images=images.to(torch.uint8),
            labels=torch.stack([colour, mirrored], 1),
            sides=sides,
            files=tuple(f"s1/s1_{number:05}.png" for number in range(n)),
            attributes=(
                Attribute("colour", ("red", "green", "blue")),
                Attribute("mirrored", (0, 1)),
            ),
            preprocessing=Preprocessing(image_size=size, trim_border=False),
        )

    return make
