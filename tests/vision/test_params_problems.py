"""What a user reads when params.yaml is wrong: the line, the key, what was expected."""

from pathlib import Path

import pytest

from amelio.errors import InputError
from amelio.vision.params import load_params

SEEDED = ("hyperopt", "train", "compare", "performance")  # NumPy takes no negative seed


def complaint(tmp_path: Path, text: str) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_params(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train:\n  optimiser: SGD\n", "line 2: train.optimiser: unknown key; did you mean 'opt"),
        ("train:\n  optimizer: adam\n", "line 2: train.optimizer: unknown value 'adam'; did you"),
        ("train:\n  augmentation: {flp: 1}\n", "train.augmentation.flp: unknown key; did you me"),
        ("evaluate:\n  metrics:\n  - accuracy\n  - f2\n", "line 4: evaluate.metrics[1]: unknown "),
        ("evaluate:\n  metrics:\n  - f2\n", "accuracy, precision, recall, f1_score, calibration"),
        ("evaluate:\n  metrics: []\n", "line 2: evaluate.metrics: List should have at least 1 i"),
        ("evalute:\n  metrics: []\n", "line 1: evalute: did you mean 'evaluate'?"),
        ("validation:\n  leeks: {severity: off}\n", "line 2: validation.leeks: unknown key; did"),
        ("validation:\n  size: {min_sides: 3}\n", "unknown key; did you mean 'min_side'?"),
        ("validation:\n  dark: {severity: error}\n", "unknown value 'error'; known: alert, warn"),
        ("validation:\n  dark: {max_share: 2}\n", "line 2: validation.dark.max_share: Input sh"),
        ("validation:\n  dark: alert\n", "line 2: validation.dark: "),
        ("hyperopt:\n  algorithm: tpee\n", "did you mean 'tpe'? (known: tpe, random, cmaes)"),
        *((f"{section}:\n  seed: -1\n", f"line 2: {section}.seed: ") for section in SEEDED),
        ("data:\n  attributes: {}\n", "line 2: data.attributes: Dictionary should have at least 1"),
        ("data:\n  attributes: {a: [0]}\n", "line 2: data.attributes.a: List should have at lea"),
    ],
)
def test_wrong_keys_and_values_are_named_with_their_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("lerning_rate: {start: 1, choices: [1]}", "line 3: hyperopt.search_space.lerning_rate: "),
        ("lerning_rate: {start: 1, choices: [1]}", "did you mean 'learning_rate'?"),
        ("epochs: {start: 1, choices: [1]}", "not a key of train that can be tuned; known: batch"),
        ("learning_rate: {start: 0.1}", "give either 'range' or 'choices'"),
        ("learning_rate: {start: 2, range: [0.1, 1]}", "start 2 must be a number within range"),
        ("learning_rate: {start: 0, range: [0, 1], scale: log}", "a log scale must be above 0"),
        ("optimizer: {start: SDG, choices: [SGD]}", "start 'SDG' is not one of the choices"),
        ("optimizer: {start: SDG, choices: [SDG]}", "search_space.optimizer.start: 'SDG' is no "),
        ("weight_decay:\n      start: 0.1\n      range: [-1, 1]", "line 5: hyperopt.search_space."),
        ("batch_size: {start: 16, choices: [16, 16.5]}", "batch_size.choices: 16.5 is no value "),
    ],
)
def test_a_search_space_that_train_cannot_take_is_refused(
    tmp_path: Path, space: str, expected: str
) -> None:
    text = complaint(tmp_path, f"hyperopt:\n  search_space:\n    {space}\n")
    assert expected in text


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = complaint(tmp_path, "train:\n  optimiser: SGD\n  epochs: 0\nevaluate:\n  metric: []\n")
    assert "3 problems" in text
    assert "line 3: train.epochs" in text


def test_a_whole_range_of_an_integer_key_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("hyperopt:\n  search_space:\n    batch_size: {start: 16, range: [8, 64]}\n")
    assert load_params(path).hyperopt.search_space["batch_size"].range == (8, 64)


def test_a_check_keeps_the_keys_that_are_not_given(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("validation:\n  unreadable: {severity: warning}\n  size: {min_side: 9}\n")
    validation = load_params(path).validation
    assert validation.unreadable.max_share == 0.01
    assert (validation.size.min_side, validation.size.max_aspect) == (9, 4)
