"""`data/processed/train_data_s1.pt`: the annotated images, ready to train on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from amelio.errors import InputError
from amelio.vision.data.schema import Attribute, Preprocessing, Side
from amelio.vision.params import ClassName
from amelio.vision.tensor_file import load_tensors, save_tensors

FORMAT = "amelio.vision.dataset/1"


@dataclass(frozen=True)
class PreparedData:
    """Annotated images as tensors.

    images: (N, 3, H, W) uint8, RGB
    labels: (N, A) int64, index into the attribute's classes, -1 = unknown
    sides: (N,) uint8, values of Side
    files: N paths below the image folder, `lot/file`
    """

    images: Tensor
    labels: Tensor
    sides: Tensor
    files: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    preprocessing: Preprocessing

    def on(self, side: Side) -> tuple[Tensor, Tensor]:
        """Images (n, 3, H, W) uint8 and labels (n, A) int64 of one side."""
        chosen = self.sides == int(side)
        return self.images[chosen], self.labels[chosen]


def save_dataset(data: PreparedData, path: Path) -> None:
    """Write `data` to `path`, all or nothing; equal data gives equal bytes.

    Raises EnvironmentFailedError when the disk is full.
    """
    meta = {
        "format": FORMAT,
        "files": data.files,
        "attributes": attributes_to_json(data.attributes),
        "preprocessing": vars(data.preprocessing),
    }
    tensors: dict[str, Any] = {
        "images": data.images,
        "labels": data.labels,
        "sides": data.sides,
        "meta": json.dumps(meta, ensure_ascii=False),
    }
    save_tensors(tensors, path)


def load_dataset(path: Path) -> PreparedData:
    """Read what `save_dataset` wrote; never unpickles anything but tensors and plain values.

    Raises InputError when the file is missing, damaged or of another kind.
    """
    hint = "make it again: amelio repro prepare_train"
    try:
        stored = load_tensors(path, mmap=True)
        meta = json.loads(stored["meta"])
        if meta["format"] != FORMAT:
            raise InputError(
                f"format {meta['format']!r}, expected {FORMAT!r}", path=path, hint=hint
            )
        return PreparedData(
            images=stored["images"],
            labels=stored["labels"],
            sides=stored["sides"],
            files=tuple(meta["files"]),
            attributes=attributes_from_json(meta["attributes"]),
            preprocessing=Preprocessing(**meta["preprocessing"]),
        )
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, hint=hint) from error
    except InputError:
        raise
    except Exception as error:  # torch names no common base for a damaged archive
        raise InputError(f"not a prepared dataset: {error}", path=path, hint=hint) from error


def attributes_to_json(attributes: tuple[Attribute, ...]) -> dict[str, list[ClassName]]:
    """Attributes as a JSON object: name → classes, both in order."""
    return {attribute.name: list(attribute.classes) for attribute in attributes}


def attributes_from_json(value: dict[str, list[ClassName]]) -> tuple[Attribute, ...]:
    """The inverse of `attributes_to_json`."""
    return tuple(Attribute(name, tuple(classes)) for name, classes in value.items())
