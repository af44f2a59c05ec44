"""`amelio predict`: a quick look at what a model says of some files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amelio.dvcio.project import pipeline_root
from amelio.vision.checkpoint import load_model
from amelio.vision.device import choose_placement
from amelio.vision.inference.inference import Prediction, find_images, predict_files

MODEL = Path("models/best_model.pth")


@dataclass(frozen=True)
class Look:
    """The model's attributes, and its predictions as they come, one for each image file."""

    attributes: tuple[str, ...]
    predictions: Iterator[Prediction]


def predict(paths: Sequence[Path], model: Path | None = None) -> Look:
    """Predict the images that `paths` name: files, or folders with all that lies below.

    model: None for MODEL of the project that the working directory lies in

    Raises InputError for a path without images and an unusable model.
    """
    files = find_images(paths)
    model = model or pipeline_root(Path()) / MODEL
    loaded = load_model(model, choose_placement().device)
    names = tuple(attribute.name for attribute in loaded.attributes)
    return Look(names, predict_files(loaded, files))
