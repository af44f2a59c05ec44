"""Seconds of training until a held-out accuracy: amelio against the plain recipe.

    python benchmarks/time_to_accuracy.py --data faces|cifar [--limit 900] [--epochs N] [--batch N]

Both sides train in one process, one after the other, on the same images and the same two threads,
and are judged on the same held-out images. The plain recipe's evaluation is not counted, amelio's
is, once an epoch. The plain recipe is stopped after `--limit` seconds: the ratio is then a lower
bound.

faces: 4,000 drawn faces, to an average accuracy of 0.99 on 1,000 others, looked at once an epoch;
    amelio for one epoch in batches of 32, since the faces are soon learnt; `--epochs 24
    --batch 128` are its defaults.
cifar: `../shared/data/cifar10_lots.zip`, to an accuracy of 0.75 of `object` on lots s5–s9; amelio
    with its defaults at image_size 32. Then amelio trains once more, as its users do: it chooses
    its best epoch on its own validation side, and that model is judged on the held-out images once.
"""

import argparse
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from amelio.demos import faces
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.images import decode
from amelio.vision.data.prepare import prepare
from amelio.vision.data.schema import Attribute, Preprocessing, Side
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.params import DataParams, EvaluateParams, TrainParams
from amelio.vision.training.training import train
from amelio.vision.training.training_state import EpochResult
from plain_recipe import BATCH_SIZE, SIZE, plain_training

ZIP = Path(__file__).parents[2] / "shared/data/cifar10_lots.zip"
N_FACES, N_HELD_OUT = 4000, 1000


@dataclass(frozen=True)
class Task:
    """Images of both sides, and what is to be reached.

    train: what amelio's default split leaves for training
    held_out: neither side sees it before it is judged
    score: accuracies per attribute → the figure that counts
    judge_every: steps of the plain recipe between two looks at the held-out images
    """

    train: PreparedData
    held_out: PreparedData
    target: float
    score: Callable[[Sequence[float]], float]
    judge_every: int


def main() -> None:
    """Run both sides and print the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", choices=["faces", "cifar"], default="faces")
    parser.add_argument("--limit", type=float, default=900, help="seconds for the plain recipe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="of amelio; as above by default")
    parser.add_argument("--batch", type=int, help="images a step of amelio; as above by default")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    is_faces = options.data == "faces"
    task = faces_task() if is_faces else cifar_task()
    usual = TrainParams(epochs=1, batch_size=32) if is_faces else TrainParams()
    params = TrainParams(
        threads=options.threads,
        epochs=options.epochs or usual.epochs,
        batch_size=options.batch or usual.batch_size,
    )
    print(f"{len(task.train.files)} images to learn from, {len(task.held_out.files)} held out")
    ours = amelio_seconds(task, params)
    if not is_faces:
        tell_accuracy(task, params)
    theirs = plain_seconds(task, options.limit)
    if ours is None:
        print("amelio did not reach the target")
        return
    bound = "more than " if theirs is None else ""
    print(f"ratio: {bound}{(theirs or options.limit) / ours:.1f}")


def amelio_seconds(task: Task, params: TrainParams) -> float | None:
    """Seconds of training until the target, None when it is missed."""
    reached: list[float] = []
    seconds = 0.0

    def watch(result: EpochResult) -> None:
        nonlocal seconds
        seconds += result.seconds  # validation included, on a few images
        figure = task.score(list(result.val_accuracies.values()))
        print(f"amelio: epoch {result.epoch}, {seconds:.1f} s, {figure:.4f}", flush=True)
        if figure >= task.target and not reached:
            reached.append(seconds)

    train(watched(task), params, on_epoch=watch)
    return reached[0] if reached else None


def tell_accuracy(task: Task, params: TrainParams) -> None:
    """As a user trains: the validation side chooses the best epoch; judged once, at the end."""
    result = train(task.train, params)
    answers = predict_probabilities(result.model, task.held_out.images)
    truths = task.held_out.labels.unbind(1)
    hits = [p.argmax(1) == t for p, t in zip(answers, truths, strict=True)]
    figure = task.score([hit.float().mean().item() for hit in hits])
    print(
        f"amelio: {figure:.4f} with the best epoch's model, {result.train_seconds:.0f} s, "
        f"{result.device} {result.precision}"
    )


def watched(task: Task) -> PreparedData:
    """The training images with the held-out ones as validation side, to see them every epoch."""
    train_images, train_labels = task.train.on(Side.TRAIN)
    n, m = len(train_images), len(task.held_out.files)
    return PreparedData(
        images=torch.cat([train_images, task.held_out.images]),
        labels=torch.cat([train_labels, task.held_out.labels]),
        sides=torch.tensor([int(Side.TRAIN)] * n + [int(Side.VALIDATION)] * m, dtype=torch.uint8),
        files=tuple(map(str, range(n + m))),
        attributes=task.train.attributes,
        preprocessing=task.train.preprocessing,
    )


def plain_seconds(task: Task, limit: float) -> float | None:
    """Seconds of training until the target, None when `limit` came first."""
    counts = [len(attribute.classes) for attribute in task.train.attributes]
    train_images, train_labels = task.train.on(Side.TRAIN)
    begun = time.perf_counter()
    moments = plain_training(
        (floats(train_images), train_labels),
        (floats(task.held_out.images), task.held_out.labels),
        counts,
        task.judge_every,
    )
    for moment in moments:
        figure = task.score(moment.accuracies)
        rate = moment.n_images / moment.train_seconds
        print(f"plain: {moment.train_seconds:.1f} s, {rate:.0f} images/s, {figure:.4f}", flush=True)
        if figure >= task.target:
            return moment.train_seconds
        if moment.train_seconds > limit or time.perf_counter() - begun > 2 * limit:
            return None
    return None


def floats(images: Tensor) -> Tensor:
    """As the guide's users keep them: (N, 3, 64, 64) float32 in 0..1."""
    pixels = images.float() / 255
    if pixels.shape[2] == SIZE:
        return pixels
    return functional.interpolate(pixels, size=SIZE, mode="bilinear", antialias=True)


def faces_task() -> Task:
    """Drawn faces; the last ones are held out, and a tenth is for validation as by default."""
    attributes = tuple(
        Attribute(name, tuple(range(n)))
        for name, n in zip(faces.FaceLabels.__dataclass_fields__, faces.CLASSES, strict=True)
    )
    preprocessing = Preprocessing(SIZE, trim_border=True)
    total = N_FACES + N_HELD_OUT
    with ProcessPoolExecutor() as executor:
        images = torch.from_numpy(np.stack(list(executor.map(face, range(total), chunksize=50))))
    labels = torch.tensor([list(vars(faces.labels(1, 1, i)).values()) for i in range(total)])
    files = tuple(map(str, range(total)))

    def part(begin: int, end: int, side: Side) -> PreparedData:
        return PreparedData(
            images=images[begin:end],
            labels=labels[begin:end],
            sides=torch.full((end - begin,), int(side), dtype=torch.uint8),
            files=files[begin:end],
            attributes=attributes,
            preprocessing=preprocessing,
        )

    return Task(
        train=part(0, N_FACES, Side.TRAIN),
        held_out=part(N_FACES, total, Side.TEST),
        target=0.99,
        score=lambda figures: sum(figures) / len(figures),
        judge_every=N_FACES // BATCH_SIZE,
    )


def face(index: int) -> np.ndarray:
    """One face, (3, 64, 64) uint8."""
    pixels = decode(faces.png(1, 1, index), Preprocessing(SIZE, trim_border=True))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def cifar_task() -> Task:
    """The annotated lots as amelio splits them by default; s5–s9 with their truth are held out."""
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(ZIP) as archive:
        folder = Path(name)
        archive.extractall(folder)
        data, evaluate = DataParams(image_size=32), EvaluateParams()

        def prepared(csv: str) -> PreparedData:
            annotations = read_annotations(folder / csv, folder / "data/raw")
            return prepare(annotations, folder / "data/raw", data, evaluate, folder / "cache")[0]

        train_data = prepared("data/annotations/mapped_train.csv")
        held_out = prepared("truth/lots_s5_s9.csv")
    i = [attribute.name for attribute in train_data.attributes].index("object")
    return Task(train_data, held_out, 0.75, lambda figures: figures[i], judge_every=250)


if __name__ == "__main__":
    main()
