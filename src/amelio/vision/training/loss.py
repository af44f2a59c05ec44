"""What training makes small: cross entropy over all attributes, unknown labels left out."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def attribute_losses(
    outputs: Sequence[Tensor],
    labels: Tensor,
    *,
    weights: Sequence[Tensor | None],
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean cross entropy of each attribute over its known labels; 0 where all are unknown.

    outputs: A logits (N, C_a) float32
    labels: (N, A) int64, -1 = unknown, ignored
    weights: A weights (C_a,) float32 per class, or None
    returns: (A,) float32
    """
    losses = []
    for logits, truth, weight in zip(outputs, labels.unbind(1), weights, strict=True):
        each = functional.cross_entropy(
            logits,
            truth,
            weight=weight,
            ignore_index=-1,
            reduction="none",
            label_smoothing=label_smoothing,
        )
        losses.append(each.sum() / (truth >= 0).sum().clamp(min=1))
    return torch.stack(losses)


def balanced_weights(labels: Tensor, n_classes: int) -> Tensor:
    """Weights under which every class that occurs counts the same: (C,) float32, 0 if it does not.

    labels: (N,) int64, -1 = unknown, ignored
    Source: sklearn.utils.class_weight.compute_class_weight("balanced"); compared in
    tests/vision/training/test_loss.py.
    """
    counts = torch.bincount(labels[labels >= 0], minlength=n_classes).float()
    occurring = counts > 0
    share = counts.sum() / (occurring.sum() * counts.clamp(min=1))
    return torch.where(occurring, share, torch.zeros_like(share))
