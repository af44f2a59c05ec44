"""Finished trials of a search, kept on disk after each, so that a killed search goes on."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import optuna

from amelio.atomic import write_text
from amelio.vision.data.dataset import PreparedData
from amelio.vision.params import HyperoptParams
from amelio.vision.training.search_space import trial_params
from amelio.vision.training.training_state import training_fingerprint
from amelio.vision.training.tuned import Tuned, Value

FORMAT = "amelio.vision.trials/1"
BUDGET = {"max_evals", "timeout"}  # a search with a larger budget goes on where it stood


class TrialState(StrEnum):
    """How a trial ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True)
class TrialRecord:
    """A trial that ended.

    values: of the tuned keys
    accuracies: mean validation accuracy after each epoch, at least one
    """

    values: dict[str, Value]
    accuracies: tuple[float, ...]
    state: TrialState
    seconds: float

    @property
    def accuracy(self) -> float:
        """Of the best epoch, which is the one that training keeps."""
        return max(self.accuracies)


@dataclass(frozen=True)
class SearchLog:
    """The trials of one search, in order.

    ran_out_s: the timeout that this search has used up; None while no timeout has ended it
    """

    trials: tuple[TrialRecord, ...] = ()
    ran_out_s: float | None = None


@dataclass(frozen=True)
class Search:
    """A search that ended: its trials in order, the first one with `start`."""

    start: dict[str, Value]
    trials: tuple[TrialRecord, ...]

    @property
    def best_number(self) -> int | None:
        """Index of the best trial, the first of equals; None when no trial got so far.

        Pruned trials are out of the race, so it is never worse than `start`.
        """
        places = [i for i, t in enumerate(self.trials) if t.state is not TrialState.PRUNED]
        return max(places, key=lambda place: self.trials[place].accuracy, default=None)

    def found(self) -> Tuned:
        """The best trial; `start` when there was no time for any."""
        number = self.best_number
        if number is None:
            return Tuned(self.start, self.start, None, None, None)
        best = self.trials[number]
        return Tuned(
            start=self.start,
            best=best.values,
            trial=number + 1,
            val_accuracy=round(best.accuracy, 6),
            start_val_accuracy=round(self.trials[0].accuracy, 6),
        )


def search_fingerprint(data: PreparedData, params: HyperoptParams) -> str:
    """Equal only for the same data, search, versions and training code."""
    digest = hashlib.sha256(training_fingerprint(data, trial_params({}, params)).encode())
    search = params.model_dump(mode="json", exclude=BUDGET)
    digest.update(json.dumps([FORMAT, optuna.__version__, search]).encode())
    # an installation from a repository changes its code without changing its version
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load_log(path: Path) -> SearchLog:
    """The log at `path`; an empty one where there is none, or it is damaged."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        trials = tuple(
            TrialRecord(
                trial["values"],
                tuple(trial["accuracies"]),
                TrialState(trial["state"]),
                trial["seconds"],
            )
            for trial in stored["trials"]
        )
        return SearchLog(trials, stored["ran_out_s"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return SearchLog()  # it costs nothing but the time to search again


def save_log(log: SearchLog, path: Path) -> None:
    """Write `log` to `path`, all or nothing."""
    write_text(path, json.dumps(asdict(log), indent=1) + "\n")
