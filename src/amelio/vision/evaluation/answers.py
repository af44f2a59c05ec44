"""What a model answers for today's test images, whatever it was trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.images import UnreadableImageError, bombs_refused, decode, read_content
from amelio.vision.data.schema import Attribute, Preprocessing, Side
from amelio.vision.evaluation.metrics import Integers
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.parallel import in_order

NO_CLASS = -1  # the answer is a class that today's data does not know: always wrong


@dataclass(frozen=True)
class Answers:
    """One contestant's answers.

    predicted: attribute → (N,) index into the classes of today's data, for the N test images
    """

    name: str
    predicted: dict[str, Integers]


def answers_of(name: str, model: Model, data: PreparedData, raw: Path) -> Answers:
    """The model's most probable classes, for those of its attributes that the data has.

    raw: the image folder; read only when the model sees images otherwise than the data was
        prepared (another size, say): then it is given the test images as it was trained on them

    Raises InputError when model and data share no attribute, or raw images are missing.
    """
    today = {attribute.name: attribute for attribute in data.attributes}
    shared = [attribute.name for attribute in model.attributes if attribute.name in today]
    if not shared:
        raise InputError(
            f"{name} knows none of the data's attributes: "
            f"{', '.join(attribute.name for attribute in model.attributes)}",
            hint=f"the data has {', '.join(today)}",
        )
    probabilities = predict_probabilities(model, _images(model.preprocessing, data, raw))
    predicted = {
        attribute.name: _translation(attribute, today[attribute.name])[each.argmax(1).numpy()]
        for attribute, each in zip(model.attributes, probabilities, strict=True)
        if attribute.name in shared
    }
    return Answers(name, predicted)


def files_of_test(data: PreparedData) -> list[str]:
    """Paths of the test images below the image folder, in order."""
    return [
        file
        for file, side in zip(data.files, data.sides.tolist(), strict=True)
        if side == int(Side.TEST)
    ]


def _translation(known: Attribute, today: Attribute) -> Integers:
    """Index of a model's class → index of the class of that name in the data."""
    places = {name: place for place, name in enumerate(today.classes)}
    return np.array([places.get(name, NO_CLASS) for name in known.classes], dtype=np.int64)


def _images(preprocessing: Preprocessing, data: PreparedData, raw: Path) -> Tensor:
    if preprocessing == data.preprocessing:
        return data.on(Side.TEST)[0]
    files = files_of_test(data)

    def load(file: str) -> Tensor:
        pixels = decode(read_content(raw / file), preprocessing)
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1)

    try:
        with bombs_refused():
            return torch.stack(list(in_order(load, files)))
    except UnreadableImageError as error:
        raise InputError(
            f"the model sees images of {preprocessing.image_size} pixels, the data has "
            f"{data.preprocessing.image_size}, and a raw test image is {error.message}",
            path=error.path,
            hint=f"get the raw images: amelio pull {raw}",
        ) from error
