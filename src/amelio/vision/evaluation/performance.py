"""How fast, how large and how robust a model is, on this machine and on real test images."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.images import Pixels, bombs_refused, decode, read_content
from amelio.vision.data.schema import Preprocessing, Side
from amelio.vision.device import choose_placement
from amelio.vision.evaluation.answers import files_of_test
from amelio.vision.evaluation.cold_start import ColdStart, measure_cold_start
from amelio.vision.evaluation.robustness import Robustness, measure_robustness
from amelio.vision.evaluation.timing import Timing, measure
from amelio.vision.inference.runtimes import (
    Agreement,
    OnnxRuntime,
    Runtime,
    TorchRuntime,
    agreement,
    export_onnx,
    missing_onnx,
)
from amelio.vision.machine import Machine, this_machine
from amelio.vision.parallel import in_order
from amelio.vision.params import PerformanceParams


@dataclass(frozen=True)
class RuntimeTimes:
    """Times of one runtime, by batch size, of which 1 is always one.

    end_to_end: from files to class names; model: from tensors to probabilities
    """

    end_to_end: dict[int, Timing]
    model: dict[int, Timing]


@dataclass(frozen=True)
class OnnxFigures:
    """The exported model: how large, how fast, and how far it says the same as PyTorch."""

    size_mb: float
    agreement: Agreement
    times: RuntimeTimes


@dataclass(frozen=True)
class Performance:
    """All that `performance_test` finds out; onnx is None where its packages are not installed."""

    size_mb: float
    n_parameters: int
    start: ColdStart
    torch: RuntimeTimes
    onnx: OnnxFigures | None
    robustness: Robustness
    machine: Machine


def measure_performance(
    model: Model, path: Path, data: PreparedData, raw: Path, params: PerformanceParams
) -> Performance:
    """Time and stress `model`, which was read from `path`, on test images of `data`.

    raw: the image folder, whose files are timed

    Raises InputError when the model is not one of this data, a raw image is missing, or no test
    image has a label.
    """
    if (model.attributes, model.preprocessing) != (data.attributes, data.preprocessing):
        raise InputError(
            "the model was trained on other attributes, classes or image sizes than the data has",
            hint="train it on this data: amelio repro train",
        )
    data = _some(data, params.n_images)
    images, files = data.on(Side.TEST)[0], _raw_files(data, raw)
    machine = this_machine(choose_placement())  # first: later, the load is our own
    batch_sizes = sorted({1, *params.batch_sizes})
    start = measure_cold_start(path, batch_sizes[-1])
    robustness = measure_robustness(model, data, params.seed)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "model.onnx"
        onnx = None if missing_onnx() else _exported(model, exported)
        agreed = agreement(model, onnx, images) if onnx else None
        runtimes: dict[str, Runtime] = {"torch": TorchRuntime(model)}
        if onnx:
            runtimes["onnx"] = onnx
        times = _times(model, runtimes, images, files, batch_sizes, params)
        figures = (
            OnnxFigures(_megabytes(exported), agreed, times["onnx"]) if onnx and agreed else None
        )
    return Performance(
        size_mb=_megabytes(path),
        n_parameters=sum(tensor.numel() for tensor in model.net.parameters()),
        start=start,
        torch=times["torch"],
        onnx=figures,
        robustness=robustness,
        machine=machine,
    )


def _some(data: PreparedData, most: int) -> PreparedData:
    """The data with at most `most` of its labelled test images, evenly chosen."""
    labelled = (data.sides == int(Side.TEST)) & (data.labels >= 0).any(1)
    rows = labelled.nonzero()[:, 0]
    if not len(rows):
        raise InputError(
            "no test image has a label",
            hint="annotate more images, or raise evaluate.test_size in params.yaml",
        )
    chosen = rows[torch.linspace(0, len(rows) - 1, min(most, len(rows))).round().long()]
    sides = torch.where(data.sides == int(Side.TEST), int(Side.UNUSED), data.sides)
    sides[chosen] = int(Side.TEST)
    return replace(data, sides=sides)


def _raw_files(data: PreparedData, raw: Path) -> list[Path]:
    files = [raw / file for file in files_of_test(data)]
    missing = [file for file in files if not file.exists()]
    if missing:
        raise InputError(
            f"no such file, and {len(missing) - 1} more of {len(files)} test images",
            path=missing[0],
            hint=f"get the raw images: amelio pull {raw}",
        )
    return files


def _exported(model: Model, path: Path) -> OnnxRuntime:
    export_onnx(model, path)
    return OnnxRuntime(path)


def _times(
    model: Model,
    runtimes: dict[str, Runtime],
    images: Tensor,
    files: Sequence[Path],
    batch_sizes: Sequence[int],
    params: PerformanceParams,
) -> dict[str, RuntimeTimes]:
    works: dict[tuple[str, bool, int], Callable[[], object]] = {}
    for name, runtime in runtimes.items():
        for size in batch_sizes:
            works[name, True, size] = _from_files(model, runtime, files, size)
            works[name, False, size] = _from_tensors(runtime, images, size)
    with bombs_refused():
        timings = measure(works, params.rounds, params.round_s)
    return {
        name: RuntimeTimes(
            end_to_end={size: timings[name, True, size] for size in batch_sizes},
            model={size: timings[name, False, size] for size in batch_sizes},
        )
        for name in runtimes
    }


def _from_files(
    model: Model, runtime: Runtime, files: Sequence[Path], size: int
) -> Callable[[], object]:
    """One call: the next `size` files are read, decoded on all cores, and become class names."""
    turns = cycle(files)

    def load(file: Path) -> Tensor:
        return torch.from_numpy(_decoded(file, model.preprocessing).transpose(2, 0, 1).copy())

    def work() -> object:
        batch = list(islice(turns, size))
        tensors = [load(batch[0])] if size == 1 else list(in_order(load, batch))
        outputs = runtime(torch.stack(tensors))
        return [
            [attribute.classes[index] for index in probabilities.argmax(1)]
            for attribute, probabilities in zip(model.attributes, outputs, strict=True)
        ]

    return work


def _decoded(file: Path, preprocessing: Preprocessing) -> Pixels:
    return decode(read_content(file), preprocessing)


def _from_tensors(runtime: Runtime, images: Tensor, size: int) -> Callable[[], object]:
    batch = images.repeat(-(-size // len(images)), 1, 1, 1)[:size].contiguous()
    return lambda: runtime(batch)


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6
