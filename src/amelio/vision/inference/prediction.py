"""Images → probabilities, the same for an image whatever stands beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from amelio.vision.checkpoint import Model
from amelio.vision.device import choose_placement

CHUNK = 32  # images per forward pass, always; with 64 an image takes as long, a single one twice
MIRRORED_CHUNK = 16  # few of a batch are unsure
SURE = 0.8  # a mirrored view hardly ever changes a class that has this probability


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

    Where a model that was trained on mirrored images too is unsure, it sees the image mirrored as
    well, and the mean counts (`second_view`).
    """
    embeddings, *probabilities = _view(model, images, CHUNK)
    if is_mirror_blind(model):
        second_view(
            probabilities, lambda rows: _view(model, images[rows].flip(3), MIRRORED_CHUNK)[1:]
        )
    return Seen(embeddings, tuple(probabilities))


def second_view(
    probabilities: Sequence[Tensor], mirrored: Callable[[Tensor], Sequence[Tensor]]
) -> None:
    """Average, in place, the rows that are unsure with what the mirrored images say.

    probabilities: (N, C) for each attribute
    mirrored: rows (n,) int64 → probabilities (n, C) of these images, mirrored
    """
    rows = is_unsure(probabilities).nonzero()[:, 0]
    if len(rows):
        for first, second in zip(probabilities, mirrored(rows), strict=True):
            first[rows] = (first[rows] + second) / 2


def is_unsure(probabilities: Sequence[Tensor]) -> Tensor:
    """(N,) bool: some attribute's best class has a probability below SURE."""
    best = [attribute.amax(1) for attribute in probabilities]
    return torch.stack(best).amin(0) < SURE


def _view(model: Model, images: Tensor, n_chunk: int) -> list[Tensor]:
    """Embeddings (N, E), then each attribute's probabilities (N, C); float32, on the CPU.

    Always `n_chunk` images at a time, the last chunk filled up with black ones: matrix kernels pick
    their blocking by the batch size, and the last bits of a result would differ with it.
    """
    net = model.inference_net
    placement = choose_placement(next(net.parameters()).device)
    parts: list[list[Tensor]] = [[] for _ in range(1 + len(model.attributes))]
    for chunk in torch.split(images, n_chunk):
        filled = functional.pad(chunk, (0, 0, 0, 0, 0, 0, 0, n_chunk - len(chunk)))
        with placement.autocast():
            embedding = net.embed(filled.to(placement.device, non_blocking=True))
            seen = [embedding.float(), *(each.softmax(1) for each in net.classify(embedding))]
        for part, tensor in zip(parts, seen, strict=True):
            part.append(tensor[: len(chunk)].cpu())
    widths = [net.embedding_size, *(len(attribute.classes) for attribute in model.attributes)]
    return [
        torch.cat(part) if part else torch.empty(0, width)
        for part, width in zip(parts, widths, strict=True)
    ]


def is_mirror_blind(model: Model) -> bool:
    """Whether left and right meant the same in training (`train.augmentation.flip`)."""
    augmentation = model.params.get("augmentation", {})
    return bool(augmentation.get("flip", False))
