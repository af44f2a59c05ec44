"""What runs a lot's network fastest on a CPU: PyTorch, or ONNX Runtime.

    python benchmarks/runtimes.py [--images 2400] [--rounds 4]

PyTorch in bfloat16 (where the CPU has it) and in float32, as on a CPU without it; ONNX Runtime with
the graph of `export_onnx`, which sees every image mirrored as well, and with a graph of one view
that is asked again for the unsure images only, as PyTorch is. The network alone in one thread, as
in each worker of `predict_files`; then whole lots from files to CSV, on all cores. The model is
trained as in `inference.py`. All take turns in one process, the best round counts.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from amelio.vision import device
from amelio.vision.checkpoint import Model, load_model, save_model
from amelio.vision.inference import inference, prediction
from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.inference.prediction import CHUNK, MIRRORED_CHUNK, second_view
from amelio.vision.inference.runtimes import OnnxRuntime, export_onnx
from amelio.vision.parallel import n_cores
from amelio.vision.params import InferenceParams, TrainParams
from amelio.vision.training.training import train
from demo_images import draw_lot
from preparation import Clock
from time_to_accuracy import faces_task, watched

BATCH_SIZE = 64
N_NETWORK = 600  # images that the network alone is timed on
Predict = Callable[[Model, Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Contender:
    """predict: images (N, 3, H, W) uint8 → probabilities (N, C) of each attribute."""

    predict: Predict
    has_bfloat16: bool = False

    def step_in(self) -> None:
        """Let `predict_files` use it."""
        device._cpu_has_bfloat16 = lambda: self.has_bfloat16
        vars(inference)["predict_probabilities"] = self.predict


def view(onnx: OnnxRuntime, images: Tensor, n_chunk: int) -> list[Tensor]:
    """In chunks of one size, the last filled up, as `prediction` does it."""
    parts = []
    for chunk in torch.split(images, n_chunk):
        filled = functional.pad(chunk, (0, 0, 0, 0, 0, 0, 0, n_chunk - len(chunk)))
        parts.append([torch.from_numpy(each[: len(chunk)]) for each in onnx(filled)])
    return [torch.cat(part) for part in zip(*parts, strict=True)]


def as_exported(onnx: OnnxRuntime) -> Predict:
    return lambda _, images: tuple(view(onnx, images, CHUNK))


def asked_again(onnx: OnnxRuntime) -> Predict:
    def predict(_: Model, images: Tensor) -> tuple[Tensor, ...]:
        seen = view(onnx, images, CHUNK)
        second_view(seen, lambda rows: view(onnx, images[rows].flip(3), MIRRORED_CHUNK))
        return tuple(seen)

    return predict


def contenders(model: Model, folder: Path) -> dict[str, Contender]:
    export_onnx(model, folder / "both.onnx")  # the first export also imports
    start = time.perf_counter()
    export_onnx(replace(model, params={}), folder / "one.onnx")
    exported = time.perf_counter()
    one = OnnxRuntime(folder / "one.onnx")
    loaded = time.perf_counter() - exported
    print(f"export {exported - start:.1f} s, load {loaded:.2f} s")
    torches = {"PyTorch float32": Contender(prediction.predict_probabilities)}
    if device._cpu_has_bfloat16():
        fast = Contender(prediction.predict_probabilities, has_bfloat16=True)
        torches = {"PyTorch bfloat16": fast, **torches}
    return {
        **torches,
        "ONNX Runtime, as exported": Contender(as_exported(OnnxRuntime(folder / "both.onnx"))),
        "ONNX Runtime, asked again": Contender(asked_again(one)),
    }


def time_network(found: dict[str, Contender], path: Path, images: Tensor, rounds: int) -> None:
    models = {}
    for name, contender in found.items():
        contender.step_in()
        models[name] = load_model(path)
        contender.predict(models[name], images[:BATCH_SIZE])
    clocks = {name: Clock() for name in found}
    for _ in range(rounds):
        for name, contender in found.items():
            contender.step_in()

            def work(run: Predict = contender.predict, model: Model = models[name]) -> None:
                for batch in torch.split(images, BATCH_SIZE):
                    run(model, batch)

            clocks[name].time(work)
    for name, clock in clocks.items():
        print(f"{name:26} network, one thread: {len(images) / clock.wall_s:6.0f} images/s")


def time_lot(found: dict[str, Contender], path: Path, lot: Path, n: int, rounds: int) -> None:
    clocks = {name: Clock() for name in found}
    params = InferenceParams(batch_size=BATCH_SIZE)
    for _ in range(rounds):
        for name, contender in found.items():
            contender.step_in()
            clocks[name].time(lambda: predict_lot(path, lot, path.with_suffix(".csv"), params))
    for name, clock in clocks.items():
        rate = f"{n / clock.wall_s:.0f} images/s"
        print(f"{name:26} lot of {n}, files to CSV: {clock.wall_s:.2f} s, {rate}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(n_cores())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = draw_lot(folder, 2, N_NETWORK), draw_lot(folder, 3, options.images)
        path = folder / "best_model.pth"
        save_model(train(watched(faces_task()), TrainParams(epochs=2, batch_size=64)).model, path)
        model = load_model(path)
        images, _ = inference.load_batch(small, model.preprocessing)
        torch.set_num_threads(1)
        found = contenders(model, folder)
        time_network(found, path, images, options.rounds)
        for files in (small, large):
            time_lot(found, path, files[0].parent, len(files), options.rounds)


if __name__ == "__main__":
    main()
