"""The faces demo: lot s7 is drawn at dusk, and is the only one that drifts."""

from dataclasses import asdict
from pathlib import Path

import pytest

from amelio.demos import faces
from amelio.vision.checkpoint import save_model
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.prepare import prepare
from amelio.vision.monitoring.drift import measure_drift
from amelio.vision.params import DataParams, DriftParams, EvaluateParams, TrainParams
from amelio.vision.training.training import train

N_ANNOTATED = 200
N_IMAGES = 14  # of each lot
LOTS = range(2, 10)


def draw(raw: Path, seed: int, lot: int, n: int) -> Path:
    folder = raw / f"s{lot}"
    folder.mkdir(parents=True)
    for index in range(n):
        (folder / f"s{lot}_{index:05}.png").write_bytes(faces.png(seed, lot, index))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedData, Path]:
    """Faces of seed 0, and a model that has seen them four times."""
    folder = tmp_path_factory.mktemp("faces")
    draw(folder / "raw", 0, 1, N_ANNOTATED)
    rows = [asdict(faces.labels(0, 1, index)) for index in range(N_ANNOTATED)]
    lines = [",".join(["filename", *rows[0]])]
    lines += [
        ",".join([f"s1_{index:05}.png", *map(str, row.values())]) for index, row in enumerate(rows)
    ]
    (folder / "labels.csv").write_text("\n".join(lines))
    annotations = read_annotations(folder / "labels.csv", folder / "raw", None)
    evaluation = EvaluateParams(test_size=0.25)
    data, _ = prepare(
        annotations, folder / "raw", DataParams(image_size=32), evaluation, folder / "cache"
    )
    save_model(train(data, TrainParams(epochs=4, threads=1)).model, folder / "model.pth")
    return data, folder / "model.pth"


def drifted(trained: tuple[PreparedData, Path], folder: Path, seed: int) -> list[str]:
    data, model = trained
    lots = [draw(folder / str(seed), seed, lot, N_IMAGES) for lot in LOTS]
    found = measure_drift(model, data, lots, DriftParams(), folder / f"kept {seed}")
    return [drift.lot for drift in found if drift.drifts]


def test_the_lot_at_dusk_drifts_and_no_other(
    trained: tuple[PreparedData, Path], tmp_path: Path
) -> None:
    assert drifted(trained, tmp_path, seed=1) == ["s7"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_in_twenty_collections_too(
    trained: tuple[PreparedData, Path], tmp_path: Path, seed: int
) -> None:
    assert drifted(trained, tmp_path, seed) == ["s7"]
