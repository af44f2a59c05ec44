"""Training: repeatable, honest about what it keeps, and every key does something."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from amelio.errors import InputError
from amelio.vision.checkpoint import load_model, save_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Attribute, Side
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.params import Augmentation, Optimizer, Scheduler, TrainParams
from amelio.vision.training.train_metrics import save_train_metrics
from amelio.vision.training.training import TrainResult, train
from amelio.vision.training.training_state import EpochResult

MakeData = Callable[..., PreparedData]
PARAMS = TrainParams(epochs=2, batch_size=32, threads=1)


@pytest.fixture(scope="module")
def data(make_data: MakeData) -> PreparedData:
    return make_data(n=120)


@pytest.fixture(scope="module")
def plain(data: PreparedData) -> TrainResult:
    return train(data, PARAMS)


def figures(result: TrainResult) -> list[EpochResult]:
    """The history without its times."""
    return [replace(epoch, seconds=0.0) for epoch in result.history]


def changed(params: TrainParams, **values: Any) -> TrainParams:
    return params.model_copy(update=values)


def test_learns_what_can_be_learnt(make_data: MakeData) -> None:
    data = make_data(n=400)
    result = train(data, changed(PARAMS, epochs=8, augmentation=Augmentation(flip=False, shift=1)))
    images, labels = data.on(Side.TEST)
    colour, _ = predict_probabilities(result.model, images)
    assert float((colour.argmax(1) == labels[:, 0]).float().mean()) > 0.9


def test_the_same_run_twice_gives_the_same(data: PreparedData, plain: TrainResult) -> None:
    torch.manual_seed(1234)  # whatever the caller's own random state is
    again = train(data, PARAMS)
    assert figures(again) == figures(plain)
    weights = plain.model.net.state_dict()
    for name, tensor in again.model.net.state_dict().items():
        assert tensor.equal(weights[name]), name


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 1),
        ("batch_size", 16),
        ("learning_rate", 0.01),
        ("optimizer", Optimizer.ADAMW),
        ("optimizer", Optimizer.ADAM),
        ("optimizer", Optimizer.SGD),
        ("scheduler", Scheduler.COSINE),
        ("scheduler", Scheduler.NONE),
        ("weight_decay", 0.5),
        ("label_smoothing", 0.3),
        ("class_weights", "balanced"),
        ("augmentation", Augmentation(flip=False)),
        ("augmentation", Augmentation(shift=0)),
        ("augmentation", Augmentation(erase=0.5)),
        ("augmentation", Augmentation(noise=0)),
        ("seed", 1),
    ],
)
def test_every_key_changes_the_training(
    key: str, value: object, data: PreparedData, plain: TrainResult
) -> None:
    result = train(data, changed(PARAMS, **{key: value}))
    assert figures(result) != figures(plain)
    assert result.model.params[key] != plain.model.params[key]


def test_plateau_lowers_the_rate_when_nothing_gets_better(data: PreparedData) -> None:
    params = changed(
        PARAMS,
        epochs=8,
        batch_size=4,
        learning_rate=1e-9,
        scheduler=Scheduler.REDUCE_ON_PLATEAU,
        early_stopping_patience=8,
    )
    rates = [epoch.learning_rate for epoch in train(data, params).history]
    assert rates[-1] < rates[0]


def test_threads_are_set_for_the_training_only(data: PreparedData) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    params = changed(PARAMS, epochs=1, threads=before + 1)
    train(data, params, on_epoch=lambda _: seen.append(torch.get_num_threads()))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_patience_ends_it_and_the_best_epoch_is_kept(data: PreparedData) -> None:
    params = changed(
        PARAMS,
        epochs=30,
        learning_rate=0.02,
        scheduler=Scheduler.NONE,
        early_stopping_patience=2,
        augmentation=Augmentation(flip=False),  # else a prediction is a mean of two
    )
    result = train(data, params)
    ranks = [(epoch.val_accuracy, -epoch.val_loss) for epoch in result.history]
    assert result.best_epoch == ranks.index(max(ranks)) + 1
    assert len(result.history) in (result.best_epoch + 2, 30)
    images, labels = data.on(Side.VALIDATION)
    colour, _ = predict_probabilities(result.model, images)
    accuracy = float((colour.argmax(1) == labels[:, 0]).float().mean())
    best = result.history[result.best_epoch - 1]
    assert accuracy == pytest.approx(best.val_accuracies["colour"])


def test_init_from_starts_where_the_other_ended(
    data: PreparedData, plain: TrainResult, tmp_path: Path
) -> None:
    path = tmp_path / "pretrained.pth"
    save_model(plain.model, path)
    still = changed(PARAMS, epochs=1, learning_rate=1e-12, init_from=str(path))
    result = train(data, still)
    theirs = dict(plain.model.net.named_parameters())
    for name, tensor in result.model.net.named_parameters():
        torch.testing.assert_close(tensor, theirs[name])


def test_init_from_other_attributes_is_refused(
    data: PreparedData, plain: TrainResult, tmp_path: Path
) -> None:
    path = tmp_path / "pretrained.pth"
    save_model(plain.model, path)
    others = replace(data, attributes=(Attribute("hat", (0, 1, 2)), data.attributes[1]))
    with pytest.raises(InputError, match="but the data has"):
        train(others, changed(PARAMS, init_from=str(path)))


def test_init_from_images_of_a_size_that_needs_another_network(
    make_data: MakeData, plain: TrainResult, tmp_path: Path
) -> None:
    path = tmp_path / "pretrained.pth"
    save_model(plain.model, path)
    params = changed(PARAMS, epochs=1, init_from=str(path))
    with pytest.raises(InputError, match=r"pretrained\.pth: made for images of 8 pixels.* of 64\n"):
        train(make_data(n=120, size=64), params)
    result = train(make_data(n=120, size=16), params)  # the same network sees them
    save_model(result.model, path)
    assert load_model(path).preprocessing.image_size == 16


def test_the_metrics_file_says_how_and_with_which_values(
    plain: TrainResult, tmp_path: Path
) -> None:
    save_train_metrics(plain, tmp_path / "train_metrics.json")
    figures = json.loads((tmp_path / "train_metrics.json").read_text())
    best = plain.history[plain.best_epoch - 1]
    assert figures["val_accuracy"] == pytest.approx(best.val_accuracy, abs=1e-6)
    assert figures["train_seconds"] == pytest.approx(plain.train_seconds, abs=0.1)
    assert (figures["device"], figures["precision"]) == (plain.device, plain.precision)
    assert TrainParams.model_validate(figures["params"]) == PARAMS


def test_unknown_labels_are_left_out(data: PreparedData) -> None:
    labels = data.labels.clone()
    training = (data.sides == int(Side.TRAIN)).nonzero().flatten()
    labels[training[4:], 1] = -1  # whole batches without a label of this attribute
    labels[data.sides == int(Side.VALIDATION), 1] = -1
    labels[training[:2], 1] = torch.tensor([0, 1])
    result = train(replace(data, labels=labels), changed(PARAMS, batch_size=8))
    assert set(result.history[0].val_accuracies) == {"colour"}
    assert all(bool(tensor.isfinite().all()) for tensor in result.model.net.parameters())


@pytest.mark.parametrize("batch_size", [1000, 71, 5])
def test_any_batch_size(data: PreparedData, batch_size: int) -> None:
    """72 training images: one batch for all, a last batch of one, batches of 4 and 5."""
    result = train(data, changed(PARAMS, epochs=1, batch_size=batch_size))
    assert result.history[0].train_loss > 0


def test_one_class_is_refused(data: PreparedData) -> None:
    labels = data.labels.clone()
    labels[:, 1] = 0
    with pytest.raises(InputError, match=r"'mirrored'.*fewer than two classes"):
        train(replace(data, labels=labels), PARAMS)


@pytest.mark.parametrize("side", [Side.TRAIN, Side.VALIDATION])
def test_an_empty_side_is_refused(data: PreparedData, side: Side) -> None:
    sides = torch.where(data.sides == int(side), int(Side.TEST), data.sides)
    with pytest.raises(InputError, match=f"no {side.name.lower()} images"):
        train(replace(data, sides=sides), PARAMS)


def test_stops_within_an_epoch_and_keeps_the_best_so_far(data: PreparedData) -> None:
    asked = iter(range(1000))
    result = train(data, changed(PARAMS, epochs=9), should_stop=lambda: next(asked) >= 4)
    assert result.stopped
    assert (len(result.history), result.best_epoch) == (1, 1)  # 3 steps an epoch


def test_stopped_before_the_first_epoch(data: PreparedData) -> None:
    result = train(data, PARAMS, should_stop=lambda: True)
    assert (result.history, result.best_epoch, result.stopped) == ((), 0, True)


def test_what_on_epoch_raises_ends_it(data: PreparedData) -> None:
    def prune(result: EpochResult) -> None:
        raise StopIteration(result.epoch)

    with pytest.raises(StopIteration):
        train(data, PARAMS, on_epoch=prune)
