"""`train.scheduler` as plain functions: the share of `train.learning_rate` at a moment.

Nothing to keep and nothing to restore: a resumed run computes the same numbers.
"""

import math
from collections.abc import Sequence

from amelio.vision.params import Scheduler

WARM_UP_SHARE = 0.25
START_SHARE = 1 / 25
END_SHARE = 1e-4
PLATEAU_PATIENCE = 2
PLATEAU_FACTOR = 0.3


def rate_share(scheduler: Scheduler, progress: float, val_losses: Sequence[float]) -> float:
    """What `train.learning_rate` is multiplied with for the next step.

    progress: steps done as a share of all steps, 0..1
    val_losses: validation loss of every epoch so far
    """
    match scheduler:
        case Scheduler.ONE_CYCLE:
            return one_cycle(progress)
        case Scheduler.COSINE:
            return (1 + math.cos(math.pi * progress)) / 2
        case Scheduler.REDUCE_ON_PLATEAU:
            return reduce_on_plateau(val_losses)
        case Scheduler.NONE:
            return 1.0


def one_cycle(progress: float) -> float:
    """Up to 1 in the first quarter, then down to nearly nothing, both in straight lines.

    Source: torch.optim.lr_scheduler.OneCycleLR(anneal_strategy="linear"); compared in
    tests/vision/training/test_schedules.py.
    """
    end = START_SHARE * END_SHARE
    if progress < WARM_UP_SHARE:
        return START_SHARE + (1 - START_SHARE) * progress / WARM_UP_SHARE
    return end + (1 - end) * (1 - progress) / (1 - WARM_UP_SHARE)


def reduce_on_plateau(val_losses: Sequence[float]) -> float:
    """A third after every PLATEAU_PATIENCE + 1 epochs without a better validation loss.

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau; compared in
    tests/vision/training/test_schedules.py.
    """
    share, best, waited = 1.0, math.inf, 0
    for loss in val_losses:
        if loss < best * (1 - 1e-4):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > PLATEAU_PATIENCE:
            share, waited = share * PLATEAU_FACTOR, 0
    return share
