"""The search space of `hyperopt`: what a trial may draw, and what it trains with."""

from collections.abc import Mapping
from typing import cast

from optuna.trial import Trial

from amelio.vision.params import Dimension, HyperoptParams, Scale, TrainParams
from amelio.vision.training.tuned import Value

Space = Mapping[str, Dimension]


def start_values(space: Space) -> dict[str, Value]:
    """The first trial."""
    return {key: _typed(key, dimension.start) for key, dimension in space.items()}


def suggest(trial: Trial, space: Space) -> dict[str, Value]:
    """What `trial` shall try; whole numbers for the keys of `train` that are."""
    return {key: _drawn(trial, key, dimension) for key, dimension in space.items()}


def trial_params(values: Mapping[str, Value], params: HyperoptParams) -> TrainParams:
    """Defaults of `train` with the trial's values: nothing of the user's `train` section.

    So a changed `train.epochs` does not make the search run again.
    """
    fixed = {"epochs": params.epochs, "threads": params.threads}
    return TrainParams.model_validate({**values, **fixed})


def _drawn(trial: Trial, key: str, dimension: Dimension) -> Value:
    if dimension.range is None:
        choices = [_typed(key, choice) for choice in dimension.choices or []]
        return cast(Value, trial.suggest_categorical(key, choices))
    low, high = dimension.range
    is_log = dimension.scale is Scale.LOG
    if _is_whole(key):
        return trial.suggest_int(key, int(low), int(high), log=is_log)
    return trial.suggest_float(key, low, high, log=is_log)


def _typed(key: str, value: Value) -> Value:
    """`value` as `train.<key>` has it: 32.0 → 32 for a whole number, 1 → 1.0 for any other."""
    if isinstance(value, str):
        return value
    return int(value) if _is_whole(key) else float(value)


def _is_whole(key: str) -> bool:
    return TrainParams.model_fields[key].annotation is int
