"""Images → probabilities, the same for an image whatever stands beside it."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from amelio.vision.checkpoint import Model
from amelio.vision.device import choose_placement
from amelio.vision.training.network import AttributeNet

CHUNK = 64  # images per forward pass, always


@dataclass(frozen=True)
class Seen:
    """What a model makes of N images.

    embeddings: (N, E) float32 on the CPU, what the heads see
    probabilities: (N, C) float32 on the CPU for each attribute
    """

    embeddings: Tensor
    probabilities: tuple[Tensor, ...]


def predict_probabilities(model: Model, images: Tensor) -> tuple[Tensor, ...]:
    """Probabilities of every class, (N, C) for each attribute; see `look`."""
    return look(model, images).probabilities


@torch.inference_mode()
def look(model: Model, images: Tensor) -> Seen:
    """Embeddings and probabilities, computed on the device that the model stands on.

    images: (N, 3, H, W) uint8, prepared as `model.preprocessing` says

    A model that was trained on mirrored images too sees each image both ways, and the mean counts.

    Always CHUNK images at a time, the last chunk filled up with black ones: matrix kernels pick
    their blocking by the batch size, and the last bits of a result would differ with it.
    """
    placement = choose_placement(next(model.net.parameters()).device)
    net = model.net.eval()
    mirrored = is_mirror_blind(model)
    parts: list[list[Tensor]] = [[] for _ in range(1 + len(model.attributes))]
    for chunk in torch.split(images, CHUNK):
        filled = functional.pad(chunk, (0, 0, 0, 0, 0, 0, 0, CHUNK - len(chunk)))
        filled = filled.to(placement.device, non_blocking=True)
        with placement.autocast():
            one = _forward(net, filled)
            other = _forward(net, filled.flip(3)) if mirrored else one
        for part, left, right in zip(parts, one, other, strict=True):
            part.append(((left + right) / 2)[: len(chunk)].cpu())
    widths = [net.embedding_size, *(len(attribute.classes) for attribute in model.attributes)]
    embeddings, *probabilities = (
        torch.cat(part) if part else torch.empty(0, width)
        for part, width in zip(parts, widths, strict=True)
    )
    return Seen(embeddings, tuple(probabilities))


def _forward(net: AttributeNet, images: Tensor) -> list[Tensor]:
    """Embedding, then each attribute's probabilities; all float32."""
    embedding = net.embed(images)
    return [embedding.float(), *(logits.float().softmax(1) for logits in net.classify(embedding))]


def is_mirror_blind(model: Model) -> bool:
    """Whether left and right meant the same in training (`train.augmentation.flip`)."""
    augmentation = model.params.get("augmentation", {})
    return bool(augmentation.get("flip", False))
