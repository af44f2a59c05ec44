"""What can run a model: PyTorch, and ONNX Runtime where it is installed."""

import logging
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from amelio.vision.checkpoint import Model
from amelio.vision.device import Placement, choose_placement
from amelio.vision.evaluation.metrics import Floats
from amelio.vision.inference.prediction import is_mirror_blind, is_unsure, second_view

ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class Runtime(Protocol):
    """Images (n, 3, H, W) uint8 in, probabilities (n, C) of each attribute out."""

    def __call__(self, images: Tensor) -> list[Floats]:
        """Any number of images at once."""
        ...


class Predictor(nn.Module):
    """The whole of a prediction as one network, for export: what `predict_probabilities` does.

    model: read only; `net` is its network

    A graph has no branches: the mirrored view is computed of every image, and left out of those
    that are sure.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.net = model.net
        self._mirrored = is_mirror_blind(model)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(n, 3, H, W) uint8 → probabilities (n, C) float32 of each attribute."""
        one = [logits.softmax(1) for logits in self.net(images)]
        if not self._mirrored:
            return tuple(one)
        other = [logits.softmax(1) for logits in self.net(images.flip(3))]
        weight = is_unsure(one)[:, None] / 2
        return tuple(
            torch.lerp(left, right, weight) for left, right in zip(one, other, strict=True)
        )


class TorchRuntime:
    """A model on the best device here, exactly as many images at a time as are given."""

    def __init__(self, model: Model) -> None:
        self.placement: Placement = choose_placement()
        self._net = self.placement.cast(model.net)
        self._mirrored = is_mirror_blind(model)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> list[Floats]:
        images = images.to(self.placement.device, non_blocking=True)
        probabilities = self._view(images)
        if self._mirrored:
            second_view(probabilities, lambda rows: self._view(images[rows].flip(3)))
        return [attribute.cpu().numpy() for attribute in probabilities]

    def _view(self, images: Tensor) -> list[Tensor]:
        with self.placement.autocast():
            return [logits.softmax(1) for logits in self._net(images)]


class OnnxRuntime:
    """The exported network in ONNX Runtime on the CPU, with as many threads as PyTorch uses."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # threads that wait by spinning slow down whatever is timed next: 20 ms instead of 4 for
        # PyTorch's first calls after ONNX Runtime's last
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: Tensor) -> list[Floats]:
        return list(self._session.run(None, {"images": images.numpy()}))


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
    """Write `model` to `path`: `images` (n, 3, H, W) uint8 → probabilities of each attribute."""
    predictor = Predictor(model).cpu().eval()
    size = model.preprocessing.image_size
    example = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    torch_logger = logging.getLogger("torch.onnx")
    level = torch_logger.level
    torch_logger.setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates what its own exporter calls
            torch.onnx.export(
                predictor,
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
        exact = [probabilities.numpy() for probabilities in Predictor(model).cpu().eval()(images)]
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
