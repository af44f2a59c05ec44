"""`src/training/hyperopt_params.json`: what a search found, and which of it `train` takes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from amelio.atomic import write_text
from amelio.errors import InputError
from amelio.vision.params import TrainParams

Value = int | float | str


@dataclass(frozen=True)
class Tuned:
    """The best trial of a search, by mean accuracy on the validation side.

    start, best: values of the tuned keys
    trial: number of the best one, from 1; None when there was no time for any
    How many trials there were is not told: more trials with the same best need no new training.
    """

    start: dict[str, Value]
    best: dict[str, Value]
    trial: int | None
    val_accuracy: float | None
    start_val_accuracy: float | None


def save_tuned(found: Tuned, path: Path) -> None:
    """Write `found` as JSON, all or nothing."""
    write_text(path, json.dumps(asdict(found), indent=2) + "\n")


def load_tuned(path: Path) -> Tuned:
    """Read what `save_tuned` wrote.

    Raises InputError when the file is missing, damaged, or names what `train` does not have.
    """
    hint = "make it again: amelio repro hyperopt"
    try:
        found = Tuned(**json.loads(path.read_text(encoding="utf-8")))
        for values in (found.start, found.best):
            TrainParams.model_validate(values)
        if found.start.keys() != found.best.keys():
            raise ValueError("'start' and 'best' have different keys")
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, hint=hint) from error
    except (ValidationError, TypeError, ValueError) as error:
        raise InputError(f"not the result of a search: {error}", path=path, hint=hint) from error
    return found


def resolve_train_params(train: TrainParams, found: Tuned) -> tuple[TrainParams, dict[str, str]]:
    """`train` with the tuned values, and for each tuned key where its value is from.

    A tuned value is taken only while `train.<key>` still equals the `start` of the search: a value
    that the user set, in `params.yaml` or by `-S`, is meant.
    """
    taken: dict[str, Value] = {}
    sources = {}
    for key, best in found.best.items():
        own, start = getattr(train, key), found.start[key]
        if own == start:
            taken[key] = best
            sources[key] = f"{best} (tuned; start was {start})"
        else:
            sources[key] = f"{own} (params.yaml; not the tuned {best}, as start was {start})"
    return TrainParams.model_validate({**train.model_dump(), **taken}), sources
