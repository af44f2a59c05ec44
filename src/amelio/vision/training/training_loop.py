"""Epochs and steps of a training, and what of it must survive an interruption."""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import load_model, new_net
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Side
from amelio.vision.device import Placement, choose_placement
from amelio.vision.params import TrainParams
from amelio.vision.training.augment import Augmenter, first_flips
from amelio.vision.training.loss import attribute_losses, balanced_weights
from amelio.vision.training.network import AttributeNet
from amelio.vision.training.optimizers import make_optimizer, set_learning_rate
from amelio.vision.training.schedules import rate_share
from amelio.vision.training.training_state import EpochResult, TrainingState
from amelio.vision.training.validation import validate


class TrainingLoop:
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
        figures = validate(
            self.net, self.placement, self.val_images, self.val_labels, self.data.attributes
        )
        result = EpochResult(
            epoch=number,
            train_loss=float(torch.stack(losses).mean()),
            val_loss=figures.loss,
            val_accuracy=figures.accuracy,
            val_accuracies=figures.accuracies,
            learning_rate=rate,
            seconds=time.perf_counter() - start,
        )
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

    def best_net(self) -> AttributeNet:
        """The network with the best epoch's weights; as it is when no epoch has ended."""
        if self.best_weights:
            self.net.load_state_dict(self.best_weights)
        return self.net

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


def _initial_net(data: PreparedData, params: TrainParams, images: Tensor) -> AttributeNet:
    """A seeded network, or the one of `init_from`."""
    net = new_net(data.attributes, data.preprocessing)
    if params.init_from is None:
        net.fit_to(images)
        return net
    path = Path(params.init_from)
    model = load_model(path, expected=data.attributes)
    if model.net.stem.weight.shape != net.stem.weight.shape:
        raise InputError(
            f"made for images of {model.preprocessing.image_size} pixels; its network does not fit "
            f"those of {data.preprocessing.image_size}",
            path=path,
            hint="change data.image_size or train.init_from in params.yaml",
        )
    return model.net


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
