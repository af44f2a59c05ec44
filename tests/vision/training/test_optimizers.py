"""What the optimisers do to weights, to scales and to their rate."""

import pytest
import torch
from torch import nn

from amelio.vision.params import Optimizer
from amelio.vision.training.optimizers import make_optimizer, orthogonalised, set_learning_rate


@pytest.mark.parametrize("name", list(Optimizer))
def test_decays_kernels_only(name: Optimizer) -> None:
    groups = make_optimizer(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), name, 0.5)
    decays = {tensor.ndim: g["weight_decay"] for g in groups.param_groups for tensor in g["params"]}
    assert decays == {4: 0.5, 1: 0.0}


@pytest.mark.parametrize("name", list(Optimizer))
def test_makes_the_loss_smaller(name: Optimizer) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    images, target = torch.randn(8, 3, 6, 6), torch.randn(8, 2)
    net(images)
    optimizer = make_optimizer(net, name, 0.0)
    losses = []
    for _ in range(20):
        set_learning_rate(optimizer, 0.01)
        loss = (net(images) - target).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_the_rate_is_set_everywhere() -> None:
    optimizer = make_optimizer(nn.Conv2d(3, 4, 3), Optimizer.ADAMW, 0.1)
    set_learning_rate(optimizer, 0.123)
    assert {group["lr"] for group in optimizer.param_groups} == {0.123}


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_orthogonalised_is_near_the_polar_factor(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = left @ torch.diag(torch.linspace(0.5, 2.0, min(shape))) @ right
    values = torch.linalg.svdvals(orthogonalised(matrix, n_steps=5))
    assert bool(((values > 0.5) & (values < 1.5)).all())
    # the same singular vectors: what is left of the polar factor is symmetric
    rest = (left @ right).T @ orthogonalised(matrix, n_steps=5)
    torch.testing.assert_close(rest, rest.T, atol=1e-4, rtol=0)


def test_muon_without_kernels_is_adamw() -> None:
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    two.load_state_dict(one.state_dict())
    for net, name in ((one, Optimizer.MUON), (two, Optimizer.ADAMW)):
        optimizer = make_optimizer(net, name, 0.1)
        set_learning_rate(optimizer, 0.01)
        net(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(one.weight, two.weight)
