"""What annotations and prepared images are about; needs no PyTorch."""

from dataclasses import dataclass
from enum import IntEnum

from amelio.vision.params import ClassName


class Side(IntEnum):
    """On which side of the split an image stands; UNUSED when train_split + val_split < 1."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
    UNUSED = 3


@dataclass(frozen=True)
class Attribute:
    """One thing that a model tells of an image, and the values that it can take, in order."""

    name: str
    classes: tuple[ClassName, ...]


@dataclass(frozen=True)
class Preprocessing:
    """How a file becomes a tensor; stored with data and model, so that inference does the same."""

    image_size: int
    trim_border: bool
