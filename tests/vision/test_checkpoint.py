"""A checkpoint gives back the very model, and nothing but a model of ours."""

import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.checkpoint import Model, load_model, new_net, save_model
from amelio.vision.data.schema import Attribute, Preprocessing

ATTRIBUTES = (Attribute("hair", ("blond", "brun foncé")), Attribute("glasses", (0, 1)))
IMAGES = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    preprocessing = Preprocessing(image_size=16, trim_border=True)
    net = new_net(ATTRIBUTES, preprocessing).eval()
    return Model(net, ATTRIBUTES, preprocessing, {"epochs": 3, "optimizer": "AdamW"})


def test_gives_back_everything(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "models/best_model.pth")
    loaded = load_model(tmp_path / "models/best_model.pth", expected=ATTRIBUTES)
    assert (loaded.attributes, loaded.preprocessing) == (model.attributes, model.preprocessing)
    assert loaded.params == model.params
    for ours, theirs in zip(loaded.net(IMAGES), model.net(IMAGES), strict=True):
        assert ours.equal(theirs)


def test_equal_models_give_equal_bytes(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "one.pth")
    save_model(load_model(tmp_path / "one.pth"), tmp_path / "two.pth")
    assert (tmp_path / "one.pth").read_bytes() == (tmp_path / "two.pth").read_bytes()


class Payload:
    """Unpickling this leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_a_full_disk_keeps_the_old_model(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        with pytest.raises(EnvironmentFailedError, match=r"model\.pth: File too large: .* needed"):
            save_model(model, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["model.pth"]


@pytest.mark.parametrize("place", ["plain pickle", "torch archive", "beside the weights"])
def test_a_hostile_file_never_runs(place: str, model: Model, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "hostile.pth"
    if place == "plain pickle":
        path.write_bytes(pickle.dumps(Payload(trace)))
    elif place == "torch archive":
        torch.save(Payload(trace), path)
    else:
        save_model(model, path)
        stored = torch.load(path, weights_only=True)
        torch.save({**stored, "more": Payload(trace)}, path)
    with pytest.raises(InputError, match="not a model of amelio"):
        load_model(path)
    assert not trace.exists()


def test_the_payload_would_run_when_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Payload(trace)))  # noqa: S301 - shows that the canary sings
    assert trace.exists()


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x03\x04 torn"], ids=["empty", "text", "torn"]
)
def test_a_damaged_file_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "best_model.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"best_model\.pth: not a model of amelio"):
        load_model(path)


def test_a_torn_checkpoint(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "best_model.pth"
    save_model(model, path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="not a model of amelio"):
        load_model(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "best_model.pth")


@pytest.mark.parametrize(
    "foreign",
    [
        {"conv1.weight": torch.zeros(3)},
        [1, 2],
        {"meta": "{}", "weights": {}},
        {"meta": '{"format": "amelio.vision.model/999"}', "weights": {}},
    ],
    ids=["state dict", "list", "no format", "newer format"],
)
def test_a_foreign_checkpoint(foreign: object, tmp_path: Path) -> None:
    path = tmp_path / "foreign.pth"
    torch.save(foreign, path)
    with pytest.raises(InputError, match=r"foreign\.pth: "):
        load_model(path)


def test_weights_of_another_shape(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "best_model.pth"
    save_model(Model(model.net, ATTRIBUTES[:1], model.preprocessing), path)
    with pytest.raises(InputError, match="not a model of amelio"):
        load_model(path)


def test_other_attributes_are_named(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "best_model.pth"
    save_model(model, path)
    others = (Attribute("hair", ("blond", "red")), ATTRIBUTES[1])
    with pytest.raises(InputError, match=r"brun foncé.*but the data has.*red"):
        load_model(path, expected=others)
