"""The training loop: seeded, resumable, and the best epoch is what comes out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.augment import Augmenter, first_flips
from amelio.vision.checkpoint import Model, load_model, new_net
from amelio.vision.dataset import PreparedData, Side
from amelio.vision.device import Placement, choose_placement
from amelio.vision.loss import attribute_losses, balanced_weights
from amelio.vision.network import AttributeNet
from amelio.vision.optimizers import make_optimizer, set_learning_rate
from amelio.vision.params import TrainParams
from amelio.vision.schedules import rate_share
from amelio.vision.training_state import (
    EpochResult,
    TrainingState,
    load_state,
    save_state,
    training_fingerprint,
)

VALIDATION_CHUNK = 256


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
    with _fixed(params):
        loop = _Loop(data, params)
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
        return loop.result(stopped)


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


class _Loop:
    """One training. After `restore` or between epochs, all that changes is what `state` tells."""

    def __init__(self, data: PreparedData, params: TrainParams) -> None:
        self.data, self.params = data, params
        self.placement: Placement = choose_placement()
        images, self.labels = data.on(Side.TRAIN)
        self.val_images, self.val_labels = data.on(Side.VALIDATION)
        self.augmenter = Augmenter(
            images.permute(0, 2, 3, 1).contiguous(),
            first_flips(len(images), params.seed),
            params.augmentation,
        )
        self.net = _initial_net(data, params, images).to(self.placement.device)
        self.optimizer = make_optimizer(
            self.net, params.optimizer, params.weight_decay, self.placement.dtype
        )
        self.class_weights = _class_weights(data, params, self.labels, self.placement.device)
        self.n_steps = -(-len(images) // params.batch_size)  # per epoch
        self.history: tuple[EpochResult, ...] = ()
        self.best_epoch = 0
        self.best_weights: dict[str, Tensor] = {}

    def finished(self) -> bool:
        """All epochs done, or none better for `early_stopping_patience` epochs."""
        done = len(self.history)
        waited = done - self.best_epoch
        return done >= self.params.epochs or waited >= self.params.early_stopping_patience

    def epoch(self, should_stop: Callable[[], bool]) -> EpochResult | None:
        """Train and validate one epoch; None when it was stopped before its end."""
        start = time.perf_counter()
        number = len(self.history) + 1
        generator = torch.Generator().manual_seed(self.params.seed * 100_003 + number)
        order = torch.randperm(len(self.labels), generator=generator)
        losses = []
        # batches of (almost) the same size: a last batch of one image would teach noise
        for step, chosen in enumerate(order.tensor_split(self.n_steps)):
            if should_stop():
                return None
            rate = self._set_rate((number - 1 + step / self.n_steps) / self.params.epochs)
            images = self.augmenter.batch(chosen, number, generator)
            losses.append(self._step(images, self.labels[chosen]))
        result = self._validated(number, float(torch.stack(losses).mean()), rate)
        result = replace(result, seconds=time.perf_counter() - start)
        if not self.history or result.better_than(self.history[self.best_epoch - 1]):
            self.best_epoch = number
            self.best_weights = _copy(self.net)
        self.history = (*self.history, result)
        return result

    def state(self) -> TrainingState:
        """All that the next epoch depends on."""
        return TrainingState(
            history=self.history,
            best_epoch=self.best_epoch,
            weights=self.net.state_dict(),
            best_weights=self.best_weights,
            optimizer=self.optimizer.state_dict(),
        )

    def restore(self, state: TrainingState) -> None:
        """Stand where `state` was taken."""
        self.net.load_state_dict(state.weights)
        self.optimizer.load_state_dict(state.optimizer)
        self.history, self.best_epoch = state.history, state.best_epoch
        self.best_weights = state.best_weights

    def result(self, stopped: bool) -> TrainResult:
        """The model of the best epoch."""
        if self.best_weights:
            self.net.load_state_dict(self.best_weights)
        model = Model(
            self.net.eval(),
            self.data.attributes,
            self.data.preprocessing,
            self.params.model_dump(mode="json"),
        )
        return TrainResult(
            model=model,
            best_epoch=self.best_epoch,
            history=self.history,
            train_seconds=sum(result.seconds for result in self.history),
            device=str(self.placement.device),
            precision=str(self.placement.precision),
            stopped=stopped,
        )

    def _set_rate(self, progress: float) -> float:
        losses = [result.val_loss for result in self.history]
        share = rate_share(self.params.scheduler, progress, losses)
        rate = self.params.learning_rate * share
        set_learning_rate(self.optimizer, rate)
        return rate

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of the optimiser; the loss, () float32."""
        self.net.train()
        with self.placement.autocast():
            outputs = self.net(images.to(self.placement.device, non_blocking=True))
        loss = attribute_losses(
            outputs,
            labels.to(self.placement.device),
            weights=self.class_weights,
            label_smoothing=self.params.label_smoothing,
        ).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()

    @torch.no_grad()
    def _validated(self, number: int, train_loss: float, rate: float) -> EpochResult:
        self.net.eval()
        outputs: list[tuple[Tensor, ...]] = []
        for images in torch.split(self.val_images, VALIDATION_CHUNK):
            with self.placement.autocast():
                outputs.append(self.net(images.to(self.placement.device)))
        logits = [torch.cat(parts).cpu() for parts in zip(*outputs, strict=True)]
        plain = [None] * len(logits)
        losses = attribute_losses(logits, self.val_labels, weights=plain)
        accuracies, known_losses = {}, []
        for i, attribute in enumerate(self.data.attributes):
            truth = self.val_labels[:, i]
            known = truth >= 0
            if bool(known.any()):
                hits = logits[i].argmax(1)[known] == truth[known]
                accuracies[attribute.name] = float(hits.float().mean())
                known_losses.append(float(losses[i]))
        return EpochResult(
            epoch=number,
            train_loss=train_loss,
            val_loss=sum(known_losses) / max(1, len(known_losses)),
            val_accuracy=sum(accuracies.values()) / max(1, len(accuracies)),
            val_accuracies=accuracies,
            learning_rate=rate,
            seconds=0.0,
        )


def _initial_net(data: PreparedData, params: TrainParams, images: Tensor) -> AttributeNet:
    """A seeded network, or the one of `init_from`."""
    if params.init_from is None:
        net = new_net(data.attributes, data.preprocessing)
        net.fit_to(images)
        return net
    return load_model(Path(params.init_from), expected=data.attributes).net


def _class_weights(
    data: PreparedData, params: TrainParams, labels: Tensor, device: torch.device
) -> list[Tensor | None]:
    if params.class_weights == "none":
        return [None] * len(data.attributes)
    return [
        balanced_weights(truth, len(attribute.classes)).to(device)
        for truth, attribute in zip(labels.unbind(1), data.attributes, strict=True)
    ]


def _copy(net: AttributeNet) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}
