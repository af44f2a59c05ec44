"""A killed training goes on from its last epoch and ends with the same result."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from amelio.vision.checkpoint import save_model
from amelio.vision.data.dataset import PreparedData, load_dataset, save_dataset
from amelio.vision.params import TrainParams
from amelio.vision.training.training import TrainResult, train
from amelio.vision.training.training_state import EpochResult, load_state, training_fingerprint

MakeData = Callable[..., PreparedData]
PARAMS = TrainParams(epochs=4, batch_size=32, threads=1)


@pytest.fixture
def data(make_data: MakeData, tmp_path: Path) -> PreparedData:
    """Read back from disk, as a stage reads it."""
    save_dataset(make_data(n=120), tmp_path / "data.pt")
    return load_dataset(tmp_path / "data.pt")


def figures(result: TrainResult) -> list[EpochResult]:
    return [replace(epoch, seconds=0.0) for epoch in result.history]


def weights_equal(one: TrainResult, two: TrainResult) -> bool:
    theirs = two.model.net.state_dict()
    return all(t.equal(theirs[name]) for name, t in one.model.net.state_dict().items())


@pytest.mark.parametrize("optimizer", ["Muon", "SGD"])
def test_killed_and_resumed_is_as_never_killed(
    optimizer: str, data: PreparedData, tmp_path: Path
) -> None:
    params = PARAMS.model_copy(update={"optimizer": type(PARAMS.optimizer)(optimizer)})
    program = f"""
        import os, signal
        from pathlib import Path
        from amelio.vision.data.dataset import load_dataset
        from amelio.vision.params import TrainParams
        from amelio.vision.training.training import train

        def die(result):
            if result.epoch == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        params = TrainParams.model_validate_json({params.model_dump_json()!r})
        train(load_dataset(Path("data.pt")), params, resume=Path("state.pt"), on_epoch=die)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, env=os.environ, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    kept = load_state(tmp_path / "state.pt", training_fingerprint(data, params))
    assert kept is not None
    told: list[EpochResult] = []
    resumed = train(data, params, resume=tmp_path / "state.pt", on_epoch=told.append)
    assert [result.epoch for result in told] == [1, 2, 3, 4]
    assert resumed.history[:3] == kept.history  # to the second: they were not done again
    unbroken = train(data, params)
    assert figures(resumed) == figures(unbroken)
    assert resumed.best_epoch == unbroken.best_epoch
    assert weights_equal(resumed, unbroken)
    assert resumed.train_seconds == sum(result.seconds for result in told)


def test_a_finished_training_is_not_done_again(data: PreparedData, tmp_path: Path) -> None:
    first = train(data, PARAMS, resume=tmp_path / "state.pt")
    again = train(data, PARAMS, resume=tmp_path / "state.pt")
    assert again.history == first.history  # with the same times
    assert weights_equal(first, again)


def test_foreign_and_damaged_states_are_not_taken(data: PreparedData, tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    train(data, PARAMS, resume=path)
    ours = training_fingerprint(data, PARAMS)
    assert load_state(path, ours) is not None
    assert load_state(path, training_fingerprint(data, TrainParams(seed=7))) is None
    path.write_bytes(path.read_bytes()[:-100])
    assert load_state(path, ours) is None
    path.unlink()
    assert load_state(path, ours) is None


def test_the_fingerprint_sees_every_change(data: PreparedData, tmp_path: Path) -> None:
    images, labels, sides = data.images.clone(), data.labels.clone(), data.sides.clone()
    images[0, 0, 0, 0] ^= 1
    labels[0, 0] = (labels[0, 0] + 1) % 3
    sides[0] = 1 - sides[0]
    one, two = tmp_path / "one.pth", tmp_path / "two.pth"
    save_model(train(data, PARAMS.model_copy(update={"epochs": 1})).model, one)
    two.write_bytes(one.read_bytes() + b" ")
    prints = [
        training_fingerprint(data, PARAMS),
        training_fingerprint(replace(data, images=images), PARAMS),
        training_fingerprint(replace(data, labels=labels), PARAMS),
        training_fingerprint(replace(data, sides=sides), PARAMS),
        training_fingerprint(data, PARAMS.model_copy(update={"epochs": 5})),
        training_fingerprint(data, PARAMS.model_copy(update={"init_from": str(one)})),
        training_fingerprint(data, PARAMS.model_copy(update={"init_from": str(two)})),
    ]
    assert len(set(prints)) == len(prints)
    assert prints[0] == training_fingerprint(replace(data, images=data.images.clone()), PARAMS)


def test_the_state_holds_plain_values_only(data: PreparedData, tmp_path: Path) -> None:
    train(data, PARAMS, resume=tmp_path / "state.pt")
    assert set(torch.load(tmp_path / "state.pt", weights_only=True)) == {
        "meta",
        "weights",
        "best_weights",
        "optimizer",
    }
