"""The schedules against PyTorch's own."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

from amelio.vision.params import Scheduler
from amelio.vision.training.schedules import (
    PLATEAU_FACTOR,
    PLATEAU_PATIENCE,
    WARM_UP_SHARE,
    rate_share,
)

N_STEPS = 101


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


@pytest.mark.parametrize("scheduler", [Scheduler.ONE_CYCLE, Scheduler.COSINE])
def test_follows_torch_step_by_step(scheduler: Scheduler) -> None:
    reference = optimizer()
    if scheduler is Scheduler.ONE_CYCLE:
        steps: torch.optim.lr_scheduler.LRScheduler = OneCycleLR(
            reference,
            max_lr=1.0,
            total_steps=N_STEPS,
            pct_start=(1 + WARM_UP_SHARE * (N_STEPS - 1)) / N_STEPS,
            anneal_strategy="linear",
            cycle_momentum=False,
        )
    else:
        steps = CosineAnnealingLR(reference, T_max=N_STEPS - 1)
    for step in range(N_STEPS):
        share = rate_share(scheduler, step / (N_STEPS - 1), [])
        assert share == pytest.approx(reference.param_groups[0]["lr"], abs=1e-9)
        if step < N_STEPS - 1:
            reference.step()
            steps.step()


def test_plateau_follows_torch_epoch_by_epoch() -> None:
    losses = [1.0, 0.9, 0.95, 0.95, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.7, 0.71]
    reference = optimizer()
    plateau = ReduceLROnPlateau(reference, factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE)
    for i, loss in enumerate(losses):
        plateau.step(loss)
        share = rate_share(Scheduler.REDUCE_ON_PLATEAU, 0.5, losses[: i + 1])
        assert share == pytest.approx(reference.param_groups[0]["lr"])
    assert share < PLATEAU_FACTOR


def test_none_never_changes() -> None:
    assert {rate_share(Scheduler.NONE, p, [1.0, 2.0]) for p in (0.0, 0.5, 1.0)} == {1.0}
