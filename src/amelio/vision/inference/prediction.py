"""Images → probabilities, the same for an image whatever stands beside it."""

import torch
from torch import Tensor
from torch.nn import functional

from amelio.vision.checkpoint import Model
from amelio.vision.device import choose_placement

CHUNK = 64  # images per forward pass, always


@torch.inference_mode()
def predict_probabilities(model: Model, images: Tensor) -> tuple[Tensor, ...]:
    """Probabilities of every class, on the device that the model stands on.

    images: (N, 3, H, W) uint8, prepared as `model.preprocessing` says
    returns: (N, C) float32 on the CPU for each attribute

    A model that was trained on mirrored images too sees each image both ways, and the mean counts.

    Always CHUNK images at a time, the last chunk filled up with black ones: matrix kernels pick
    their blocking by the batch size, and the last bits of a result would differ with it.
    """
    placement = choose_placement(next(model.net.parameters()).device)
    net = model.net.eval()
    mirrored = is_mirror_blind(model)
    parts: list[list[Tensor]] = [[] for _ in model.attributes]
    for chunk in torch.split(images, CHUNK):
        filled = functional.pad(chunk, (0, 0, 0, 0, 0, 0, 0, CHUNK - len(chunk)))
        filled = filled.to(placement.device, non_blocking=True)
        with placement.autocast():
            outputs = net(filled)
            others = net(filled.flip(3)) if mirrored else outputs
        for part, one, other in zip(parts, outputs, others, strict=True):
            mean = (one.softmax(1) + other.softmax(1)) / 2
            part.append(mean[: len(chunk)].cpu())
    return tuple(
        torch.cat(part) if part else torch.empty(0, len(attribute.classes))
        for part, attribute in zip(parts, model.attributes, strict=True)
    )


def is_mirror_blind(model: Model) -> bool:
    """Whether left and right meant the same in training (`train.augmentation.flip`)."""
    augmentation = model.params.get("augmentation", {})
    return bool(augmentation.get("flip", False))
