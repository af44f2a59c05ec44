"""What can run a model: PyTorch, and ONNX Runtime where it is installed."""

import logging
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from amelio.vision.checkpoint import Model
from amelio.vision.device import Placement, choose_placement
from amelio.vision.metrics import Floats

ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class Runtime(Protocol):
    """Images (n, 3, H, W) uint8 in, probabilities (n, C) of each attribute out."""

    def __call__(self, images: Tensor) -> list[Floats]:
        """Any number of images at once."""
        ...


class TorchRuntime:
    """The network on the best device here, exactly as many images at a time as are given."""

    def __init__(self, model: Model) -> None:
        self.placement: Placement = choose_placement()
        self._net = model.net.to(self.placement.device).eval()

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> list[Floats]:
        with self.placement.autocast():
            outputs = self._net(images.to(self.placement.device, non_blocking=True))
        return [logits.softmax(1).cpu().numpy() for logits in outputs]


class OnnxRuntime:
    """The exported network in ONNX Runtime on the CPU, with as many threads as PyTorch uses."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: Tensor) -> list[Floats]:
        outputs = self._session.run(None, {"images": images.numpy()})
        return [_softmax(logits) for logits in outputs]


@dataclass(frozen=True)
class Agreement:
    """How far ONNX Runtime and PyTorch agree on real images.

    max_difference: largest difference of a probability, both in float32
    same_class_share: of the images and attributes, with PyTorch in the precision that it uses
    """

    max_difference: float
    same_class_share: float


def missing_onnx() -> list[str]:
    """The packages that ONNX needs and that are not installed."""
    return [name for name in ONNX_PACKAGES if find_spec(name) is None]


def export_onnx(model: Model, path: Path) -> None:
    """Write the network to `path`: `images` (n, 3, H, W) uint8 → logits of each attribute."""
    net = model.net.cpu().eval()
    size = model.preprocessing.image_size
    example = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    torch_logger = logging.getLogger("torch.onnx")
    level = torch_logger.level
    torch_logger.setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates what its own exporter calls
            torch.onnx.export(
                net,
                (example,),
                str(path),
                input_names=["images"],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        torch_logger.setLevel(level)


def agreement(model: Model, onnx: OnnxRuntime, images: Tensor) -> Agreement:
    """Compare both on `images` (n, 3, H, W) uint8."""
    exported = onnx(images)
    with torch.inference_mode():
        exact = [logits.softmax(1).numpy() for logits in model.net.cpu().eval()(images)]
    used = TorchRuntime(model)(images)
    return Agreement(
        max_difference=max(
            float(np.abs(mine - theirs).max()) for mine, theirs in zip(exported, exact, strict=True)
        ),
        same_class_share=float(
            np.mean(
                [
                    mine.argmax(1) == theirs.argmax(1)
                    for mine, theirs in zip(exported, used, strict=True)
                ]
            )
        ),
    )


def _softmax(logits: Floats) -> Floats:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = grown / grown.sum(axis=1, keepdims=True)
    return result
