"""Image files → predictions: streamed, on all cores, the same in batches of any size."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.image_folder import scan
from amelio.vision.data.images import (
    Pixels,
    UnreadableImageError,
    bombs_refused,
    decode,
    read_content,
)
from amelio.vision.data.schema import Preprocessing
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.parallel import in_order
from amelio.vision.params import ClassName


@dataclass(frozen=True)
class Prediction:
    """What the model says of one file, or why it says nothing.

    classes, probabilities: one per attribute, in the model's order; both empty when unreadable
    reason: why the file is unreadable; "" when it is not
    """

    file: Path
    classes: tuple[ClassName, ...] = ()
    probabilities: tuple[float, ...] = ()
    reason: str = ""

    def is_uncertain(self, threshold: float) -> bool:
        """Whether a person should look: some probability is below `threshold`, or there is none."""
        return not self.probabilities or min(self.probabilities) < threshold


def predict_files(
    model: Model,
    files: Sequence[Path],
    batch_size: int = 64,
    advance: Callable[[int], None] = lambda _: None,
    n_workers: int | None = None,
) -> Iterator[Prediction]:
    """Yield a prediction for each of `files`, in order; memory does not grow with their number.

    advance: called with the number of files done, as it grows

    Each worker decodes a batch and runs the network on it in one thread: nothing waits for
    anything else, and the result does not depend on how many cores there are. Workers are
    processes, unless the network runs on a GPU or one batch is all.
    """
    on_cpu = next(model.inference_net.parameters()).device.type == "cpu"

    def predict(batch: Sequence[Path]) -> list[Prediction]:
        return _predict_batch(model, batch)

    batches = (files[i : i + batch_size] for i in range(0, len(files), batch_size))
    with bombs_refused(), one_thread_each():
        for predictions in in_order(
            predict, batches, n_workers, in_processes=on_cpu and len(files) > batch_size
        ):
            advance(len(predictions))
            yield from predictions


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The image files that `paths` name: files as they are, folders with all that lies below.

    Raises InputError for a path that does not exist and a folder without images.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            images = scan(path).files
            if not images:
                raise InputError("no images in this folder", path=path)
            found += [path / file for file in images]
        elif path.exists():
            found.append(path)
        else:
            raise InputError("no such file or folder", path=path)
    return found


def load_batch(files: Sequence[Path], preprocessing: Preprocessing) -> tuple[Tensor, list[str]]:
    """Decode files: the readable ones, (n, 3, S, S) uint8, and for each file why not, or ""."""
    size = preprocessing.image_size
    images = np.empty((len(files), 3, size, size), np.uint8)
    reasons = [
        _load(file, target, preprocessing) for file, target in zip(files, images, strict=True)
    ]
    readable = [row for row, reason in enumerate(reasons) if not reason]
    return torch.from_numpy(images[readable]), reasons


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let torch compute in the thread that calls it: the workers fill the cores already."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _predict_batch(model: Model, files: Sequence[Path]) -> list[Prediction]:
    images, reasons = load_batch(files, model.preprocessing)
    readable = [row for row, reason in enumerate(reasons) if not reason]
    best = [probabilities.max(dim=1) for probabilities in predict_probabilities(model, images)]
    codes = [found.indices.tolist() for found in best]
    values = [[round(value, 6) for value in found.values.tolist()] for found in best]
    place = {row: i for i, row in enumerate(readable)}
    return [
        Prediction(file, reason=reason)
        if reason
        else Prediction(
            file,
            tuple(
                attribute.classes[code[place[row]]]
                for attribute, code in zip(model.attributes, codes, strict=True)
            ),
            tuple(value[place[row]] for value in values),
        )
        for row, (file, reason) in enumerate(zip(files, reasons, strict=True))
    ]


def _load(file: Path, target: Pixels, preprocessing: Preprocessing) -> str:
    """Decode `file` into `target`, (3, S, S); the reason when that fails, else ""."""
    try:
        target[:] = decode(read_content(file), preprocessing).transpose(2, 0, 1)
    except UnreadableImageError as error:
        return error.reason
    return ""
