"""A model that was never trained, prepared images and lots on disk: all small."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.images import Pixels
from amelio.vision.monitoring.drift import measure_drift
from amelio.vision.monitoring.findings import LotDrift
from amelio.vision.params import DriftParams
from tests.vision.conftest import MakeData

SIZE = 8


@dataclass(frozen=True)
class Bench:
    """A folder of lots, and what they are compared with."""

    raw: Path
    data: PreparedData
    model: Path
    kept: Path

    def write_lot(self, name: str, seed: int, n: int = 40, darker: float = 0) -> Path:
        """Images like the training ones, all their levels lowered by `darker`."""
        lot = self.raw / name
        lot.mkdir(parents=True)
        for number, image in enumerate(noisy_squares(n, seed, darker)):
            Image.fromarray(image).save(lot / f"{name}_{number:05}.png")
        return lot

    def drift(self, *lots: Path, **params: float) -> list[LotDrift]:
        """Compare `lots` by `params`."""
        chosen = DriftParams.model_validate(params)
        return measure_drift(self.model, self.data, lots, chosen, self.kept)


def noisy_squares(n: int, seed: int, darker: float = 0) -> list[Pixels]:
    """Pictures of some brightness, each (SIZE, SIZE, 3)."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(140, 30, (n, 1, 1, 1)) + rng.normal(0, 20, (n, SIZE, SIZE, 3)) - darker
    return list(levels.clip(0, 255).astype(np.uint8))


@pytest.fixture
def bench(tmp_path: Path, make_data: MakeData) -> Bench:
    """400 annotated images of lot s1."""
    data = make_data(n=400, size=SIZE)
    images = torch.from_numpy(np.stack(noisy_squares(400, seed=0))).permute(0, 3, 1, 2)
    data = PreparedData(
        images.contiguous(),
        data.labels,
        data.sides,
        data.files,
        data.attributes,
        data.preprocessing,
    )
    torch.manual_seed(0)
    net = new_net(data.attributes, data.preprocessing)
    net.fit_to(data.images)
    save_model(Model(net, data.attributes, data.preprocessing), tmp_path / "model.pth")
    return Bench(tmp_path / "raw", data, tmp_path / "model.pth", tmp_path / "kept")
