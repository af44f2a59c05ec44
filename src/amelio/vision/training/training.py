"""`train`: a seeded, resumable training; the best epoch is what comes out."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Side
from amelio.vision.params import TrainParams
from amelio.vision.training.training_loop import TrainingLoop
from amelio.vision.training.training_state import (
    EpochResult,
    load_state,
    save_state,
    training_fingerprint,
)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class TrainResult:
    """A trained model and how it came about.

    best_epoch: from 1, the epoch whose weights `model` has; 0 when stopped before the first ended
    train_seconds: all epochs, those before an interruption included
    stopped: `should_stop` ended it
    """

    model: Model
    best_epoch: int
    history: tuple[EpochResult, ...]
    train_seconds: float
    device: str
    precision: str
    stopped: bool


def train(
    data: PreparedData,
    params: TrainParams,
    *,
    resume: Path | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainResult:
    """Train on the data's training side; keep the epoch that is best on its validation side.

    resume: file for the state after every epoch; a run that finds its own state there goes on
        from it and ends with the same result. The caller deletes it once the model is safe.
    on_epoch: told of every epoch, those before an interruption first; what it raises ends it
    should_stop: asked before every step; the unfinished epoch is dropped

    Raises InputError when there is nothing to learn or to validate on, or when `init_from` does
    not fit.
    """
    check_trainable(data)
    tell = on_epoch or (lambda _: None)
    _keep_freed_memory()
    with _fixed(params):
        loop = TrainingLoop(data, params)
        fingerprint = training_fingerprint(data, params) if resume else ""
        if resume and (state := load_state(resume, fingerprint)):
            loop.restore(state)
            for done in state.history:
                tell(done)
        stopped = False
        while not stopped and not loop.finished():
            result = loop.epoch(should_stop or (lambda: False))
            stopped = result is None
            if result is not None:
                if resume:
                    save_state(loop.state(), fingerprint, resume)
                tell(result)
        return _result(loop, stopped)


def check_trainable(data: PreparedData) -> None:
    """Raise InputError unless every attribute can be learnt and validated."""
    for side in (Side.TRAIN, Side.VALIDATION):
        if not bool((data.sides == int(side)).any()):
            raise InputError(
                f"no {side.name.lower()} images",
                hint="annotate more images, or change data.train_split and data.val_split",
            )
    labels = data.labels[data.sides == int(Side.TRAIN)]
    for attribute, truth in zip(data.attributes, labels.unbind(1), strict=True):
        if len(set(truth[truth >= 0].tolist())) < 2:
            raise InputError(
                f"attribute {attribute.name!r}: the training images show fewer than two classes",
                hint="label images of another class, or leave the attribute out (data.attributes)",
            )


@contextmanager
def _fixed(params: TrainParams) -> Iterator[None]:
    """The same numbers every time: as many threads as `train.threads` says, and its seed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(params.threads)
    try:
        with (
            torch.random.fork_rng(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        ):
            torch.manual_seed(params.seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _keep_freed_memory() -> None:
    """Let glibc use again what a step has freed. By default it gives large pieces back to the
    system, and each step then waits for 7,000 pages to be cleared: a tenth of the time.

    Source: mallopt(3).
    """
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):  # Linux; harmless where a number is refused
        c_library.mallopt(_M_MMAP_THRESHOLD, 2**30)
        c_library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _result(loop: TrainingLoop, stopped: bool) -> TrainResult:
    """The model of the best epoch, and how it came about."""
    data, params = loop.data, loop.params
    net = loop.best_net().eval()
    return TrainResult(
        model=Model(net, data.attributes, data.preprocessing, params.model_dump(mode="json")),
        best_epoch=loop.best_epoch,
        history=loop.history,
        train_seconds=sum(result.seconds for result in loop.history),
        device=str(loop.placement.device),
        precision=str(loop.placement.precision),
        stopped=stopped,
    )
