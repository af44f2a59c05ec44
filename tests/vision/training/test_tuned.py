"""Which of the tuned values a training takes."""

import json
from pathlib import Path

import pytest

from amelio.errors import InputError
from amelio.vision.params import Optimizer, TrainParams
from amelio.vision.training.tuned import Tuned, load_tuned, resolve_train_params, save_tuned

FOUND = Tuned(
    start={"learning_rate": 0.001, "batch_size": 32, "optimizer": "AdamW"},
    best={"learning_rate": 0.004, "batch_size": 16, "optimizer": "SGD"},
    trial=3,
    val_accuracy=0.9,
    start_val_accuracy=0.8,
)


def test_tuned_values_are_taken_while_train_equals_start() -> None:
    at_start = TrainParams.model_validate({"epochs": 3, "seed": 5, **FOUND.start})
    params, sources = resolve_train_params(at_start, FOUND)
    assert params == TrainParams(
        epochs=3, seed=5, learning_rate=0.004, batch_size=16, optimizer=Optimizer.SGD
    )
    assert sources["learning_rate"] == "0.004 (tuned; start was 0.001)"


def test_a_value_that_the_user_set_is_meant() -> None:
    own = TrainParams.model_validate({**FOUND.start, "learning_rate": 0.01})
    params, sources = resolve_train_params(own, FOUND)
    assert params.learning_rate == 0.01
    assert params.batch_size == 16
    assert sources["learning_rate"] == (
        "0.01 (params.yaml; not the tuned 0.004, as start was 0.001)"
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "hyperopt_params.json"
    save_tuned(FOUND, path)
    assert load_tuned(path) == FOUND
    assert json.loads(path.read_text())["best"]["batch_size"] == 16


WRONG: list[dict[str, object]] = [
    {"best": {}},
    {"best": {**FOUND.best, "learning_rate": "x"}},
    {"start": {"lr": 1}, "best": {"lr": 1}},
]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", *(json.dumps({**vars(FOUND), **changes}) for changes in WRONG)],
)
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hyperopt_params.json"
    path.write_text(content)
    with pytest.raises(InputError, match="amelio repro hyperopt"):
        load_tuned(path)
    with pytest.raises(InputError, match="no such file"):
        load_tuned(tmp_path / "other.json")
