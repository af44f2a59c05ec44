"""Loss and accuracy on the validation side, after every epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from amelio.vision.data.schema import Attribute
from amelio.vision.device import Placement
from amelio.vision.training.loss import attribute_losses
from amelio.vision.training.network import AttributeNet

CHUNK = 256  # images per forward pass


@dataclass(frozen=True)
class Figures:
    """Means over the attributes that have a known label, and each one's accuracy.

    loss: plain cross entropy; accuracy, accuracies: in [0, 1]
    """

    loss: float
    accuracy: float
    accuracies: dict[str, float]


@torch.no_grad()
def validate(
    net: AttributeNet,
    placement: Placement,
    images: Tensor,
    labels: Tensor,
    attributes: tuple[Attribute, ...],
) -> Figures:
    """Judge `net`, without mirrored views: half the time, and enough to compare epochs.

    images: (N, 3, H, W) uint8
    labels: (N, A) int64, -1 = unknown, ignored
    """
    net.eval()
    outputs: list[tuple[Tensor, ...]] = []
    for chunk in torch.split(images, CHUNK):
        with placement.autocast():
            outputs.append(net(chunk.to(placement.device)))
    logits = [torch.cat(parts).cpu() for parts in zip(*outputs, strict=True)]
    losses = attribute_losses(logits, labels, weights=[None] * len(logits))
    accuracies, known_losses = {}, []
    for i, attribute in enumerate(attributes):
        truth = labels[:, i]
        known = truth >= 0
        if bool(known.any()):
            hits = logits[i].argmax(1)[known] == truth[known]
            accuracies[attribute.name] = float(hits.float().mean())
            known_losses.append(float(losses[i]))
    n_known = max(1, len(accuracies))
    return Figures(sum(known_losses) / n_known, sum(accuracies.values()) / n_known, accuracies)
