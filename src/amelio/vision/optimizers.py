"""`train.optimizer`: PyTorch's optimisers, set up alike."""

import torch
from torch import nn

from amelio.vision.params import Optimizer


def make_optimizer(net: nn.Module, name: Optimizer, weight_decay: float) -> torch.optim.Optimizer:
    """The optimiser `name` over the weights of `net`; its rate is set before every step.

    Only matrices and kernels decay: a decayed scale or bias learns nothing better.
    """
    weights = [tensor for tensor in net.parameters() if tensor.requires_grad]
    groups = [
        {"params": [t for t in weights if t.ndim > 1], "weight_decay": weight_decay},
        {"params": [t for t in weights if t.ndim <= 1], "weight_decay": 0.0},
    ]
    match name:
        case Optimizer.ADAMW:
            return torch.optim.AdamW(groups, foreach=True)
        case Optimizer.ADAM:
            return torch.optim.Adam(groups, foreach=True)
        case Optimizer.SGD:
            return torch.optim.SGD(groups, momentum=0.9, nesterov=True, foreach=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """The rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
