"""The search: starts at `start`, keeps to its time, survives being killed, repeats itself."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amelio.vision.checkpoint import Model, new_net
from amelio.vision.data.dataset import PreparedData, save_dataset
from amelio.vision.params import Algorithm, HyperoptParams, Optimizer, TrainParams
from amelio.vision.training.training import TrainResult
from amelio.vision.training.training_state import EpochResult
from amelio.vision.training.trials import Search, TrialState
from amelio.vision.training.tuning import tune
from tests.vision.conftest import MakeData

SPACE = {
    "learning_rate": {"start": 0.001, "range": [0.0001, 0.01], "scale": "log"},
    "batch_size": {"start": 16, "choices": [8, 16, 32]},
    "early_stopping_patience": {"start": 7, "range": [1, 9]},
    "optimizer": {"start": "AdamW", "choices": ["AdamW", "SGD"]},
}
STEPS = 5


class KilledError(Exception):
    """Stands for the end of the process."""


class Pupil:
    """A trainer that needs a second a step, and knows at once how good the parameters are."""

    def __init__(self, killed_at_s: float = float("inf")) -> None:
        self.now_s = 0.0
        self.killed_at_s = killed_at_s
        self.seen: list[TrainParams] = []

    def clock(self) -> float:
        return self.now_s

    def __call__(
        self,
        data: PreparedData,
        params: TrainParams,
        *,
        on_epoch: Callable[[EpochResult], None],
        should_stop: Callable[[], bool],
    ) -> TrainResult:
        self.seen.append(params)
        history: list[EpochResult] = []
        stopped = False
        worth = 1 / (1 + abs(params.learning_rate - 0.004) * 100 + params.batch_size / 100)
        for step in range(params.epochs * STEPS):
            stopped = should_stop()
            if stopped:
                break
            self.now_s += 1
            if self.now_s >= self.killed_at_s:
                raise KilledError
            if step % STEPS == STEPS - 1:
                epoch = len(history) + 1
                accuracy = worth * (1 - 0.5**epoch)
                history.append(EpochResult(epoch, 0, 0, accuracy, {}, 0, float(STEPS)))
                on_epoch(history[-1])
        return TrainResult(
            Model(new_net(data.attributes, data.preprocessing), (), data.preprocessing),
            best_epoch=len(history),
            history=tuple(history),
            train_seconds=STEPS * len(history),
            device="",
            precision="",
            stopped=stopped,
        )


def hyperopt(**changes: Any) -> HyperoptParams:
    plain = {"max_evals": 8, "epochs": 3, "threads": 1, "search_space": SPACE}
    return HyperoptParams.model_validate({**plain, **changes})


def search(
    data: PreparedData, params: HyperoptParams, folder: Path, pupil: Pupil | None = None
) -> Search:
    pupil = pupil or Pupil()
    return tune(data, params, folder, trainer=pupil, report=lambda _: None, clock=pupil.clock)


@pytest.fixture(scope="session")
def data(make_data: MakeData) -> PreparedData:
    return make_data(40)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_first_trial_is_start_and_the_best_is_never_worse(
    data: PreparedData, tmp_path: Path, algorithm: Algorithm
) -> None:
    pupil = Pupil()
    found = search(data, hyperopt(algorithm=algorithm, max_evals=12, threads=3), tmp_path, pupil)
    first = pupil.seen[0]
    assert (first.learning_rate, first.batch_size, first.optimizer) == (0.001, 16, "AdamW")
    assert first == TrainParams(
        learning_rate=0.001,
        batch_size=16,
        optimizer=Optimizer.ADAMW,
        early_stopping_patience=7,
        epochs=3,
        threads=3,
    )
    assert len(found.trials) == 12
    fair = [trial for trial in found.trials if trial.state is not TrialState.PRUNED]
    assert found.found().val_accuracy == pytest.approx(max(t.accuracy for t in fair), abs=1e-6)
    assert (found.found().val_accuracy or 0) > (found.found().start_val_accuracy or 1)
    for trial in found.trials:
        assert isinstance(trial.values["batch_size"], int)
        assert isinstance(trial.values["early_stopping_patience"], int)
        assert 0.0001 <= float(trial.values["learning_rate"]) <= 0.01


def test_of_equal_trials_start_wins(data: PreparedData, tmp_path: Path) -> None:
    flat = {"label_smoothing": {"start": 0.1, "range": [0, 0.2]}}
    found = search(data, hyperopt(search_space=flat), tmp_path).found()
    assert (found.trial, found.best) == (1, {"label_smoothing": 0.1})


def test_values_have_the_type_that_train_has(data: PreparedData, tmp_path: Path) -> None:
    space = {
        "batch_size": {"start": 32.0, "choices": [16.0, 32.0]},
        "weight_decay": {"start": 0, "range": [0, 1]},
    }
    for trial in search(data, hyperopt(search_space=space), tmp_path).trials:
        assert isinstance(trial.values["batch_size"], int)
        assert isinstance(trial.values["weight_decay"], float)


def test_hopeless_trials_are_pruned_unless_that_is_off(data: PreparedData, tmp_path: Path) -> None:
    pruned = search(data, hyperopt(max_evals=12), tmp_path).trials
    states = [trial.state for trial in pruned]
    assert TrialState.PRUNED in states
    assert states[0] is TrialState.FINISHED
    assert all(len(t.accuracies) == 2 for t in pruned if t.state is TrialState.PRUNED)
    whole = search(data, hyperopt(max_evals=12, pruning=False), tmp_path).trials
    assert {trial.state for trial in whole} == {TrialState.FINISHED}


@pytest.mark.parametrize("algorithm", Algorithm)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None
)
@given(kills=st.lists(st.integers(1, 60), max_size=4))
def test_killed_anywhere_and_resumed_is_an_undisturbed_search(
    data: PreparedData,
    tmp_path_factory: pytest.TempPathFactory,
    algorithm: Algorithm,
    kills: list[int],
) -> None:
    params = hyperopt(algorithm=algorithm)
    undisturbed = search(data, params, tmp_path_factory.mktemp("whole"))
    folder = tmp_path_factory.mktemp("killed")
    for killed_at_s in kills:
        try:
            search(data, params, folder, Pupil(killed_at_s))
        except KilledError:
            continue
    resumed = search(data, params, folder)
    assert resumed.trials == undisturbed.trials


def test_a_complete_search_is_not_run_again(data: PreparedData, tmp_path: Path) -> None:
    first = search(data, hyperopt(), tmp_path)
    pupil = Pupil()
    assert search(data, hyperopt(), tmp_path, pupil) == first
    assert pupil.seen == []


def test_a_larger_budget_continues_and_another_search_starts_anew(
    data: PreparedData, make_data: MakeData, tmp_path: Path
) -> None:
    first = search(data, hyperopt(max_evals=4), tmp_path)
    pupil = Pupil()
    longer = search(data, hyperopt(max_evals=6), tmp_path, pupil)
    assert longer.trials[:4] == first.trials
    assert len(pupil.seen) == 2
    assert search(data, hyperopt(max_evals=4), tmp_path, Pupil()) == first
    for other, changes in ((data, {"epochs": 2}), (data, {"seed": 1}), (make_data(41), {})):
        pupil = Pupil()
        search(other, hyperopt(max_evals=1, **changes), tmp_path, pupil)
        assert len(pupil.seen) == 1


def test_time_ends_a_search_within_a_trial(data: PreparedData, tmp_path: Path) -> None:
    pupil = Pupil()
    params = hyperopt(timeout=2.4 * STEPS, pruning=False)
    found = search(data, params, tmp_path, pupil)
    assert pupil.now_s == 12  # the step during which it ran out is the last
    assert [trial.state for trial in found.trials] == [TrialState.OUT_OF_TIME]
    assert len(found.trials[0].accuracies) == 2
    assert found.found().best == found.start
    again = Pupil()
    assert search(data, params, tmp_path, again) == found
    assert again.seen == []
    continued = search(data, hyperopt(timeout=6.2 * STEPS, pruning=False), tmp_path)
    assert len(continued.trials) == 3


def test_without_time_for_one_epoch_start_is_what_is_found(
    data: PreparedData, tmp_path: Path
) -> None:
    found = search(data, hyperopt(timeout=STEPS - 1), tmp_path)
    assert found.trials == ()
    assert found.found().best == found.start
    assert found.found().val_accuracy is None


def test_resuming_does_not_give_the_time_back(data: PreparedData, tmp_path: Path) -> None:
    params = hyperopt(timeout=100, pruning=False, max_evals=50)
    with pytest.raises(KilledError):
        search(data, params, tmp_path, Pupil(killed_at_s=79))  # 75 s of it in finished trials
    pupil = Pupil()
    search(data, params, tmp_path, pupil)
    assert pupil.now_s == 25


def test_nothing_to_search_trains_nothing(data: PreparedData, tmp_path: Path) -> None:
    pupil = Pupil()
    assert search(data, hyperopt(search_space={}), tmp_path, pupil) == Search({}, ())
    assert pupil.seen == []


@pytest.mark.parametrize("content", ["", "{", "{}", '{"trials": [{}], "ran_out_s": null}'])
def test_a_damaged_log_costs_only_time(data: PreparedData, tmp_path: Path, content: str) -> None:
    first = search(data, hyperopt(), tmp_path)
    (log,) = tmp_path.iterdir()
    log.write_text(content)
    assert search(data, hyperopt(), tmp_path) == first


def test_a_log_of_other_values_is_not_believed(data: PreparedData, tmp_path: Path) -> None:
    first = search(data, hyperopt(), tmp_path)
    (log,) = tmp_path.iterdir()
    stored = json.loads(log.read_text())
    stored["trials"][3]["values"]["learning_rate"] *= 2
    log.write_text(json.dumps(stored))
    assert search(data, hyperopt(), tmp_path) == first


PROGRAM = """
import sys
from pathlib import Path
from amelio.vision.data.dataset import load_dataset
from amelio.vision.params import HyperoptParams
from amelio.vision.training.tuning import tune
params = HyperoptParams.model_validate_json(sys.argv[1])
data = load_dataset(Path("data.pt"))
found = tune(data, params, Path("search"), report=lambda text: print(text, flush=True))
print(found.found().best)
"""


def test_a_really_killed_search_goes_on_with_real_training(
    make_data: MakeData, tmp_path: Path
) -> None:
    save_dataset(make_data(48), tmp_path / "data.pt")
    small = {"batch_size": {"start": 16, "choices": [14, 15, 16, 17, 18]}}
    params = hyperopt(max_evals=3, epochs=1, search_space=small)
    command = [sys.executable, "-c", PROGRAM, params.model_dump_json()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("trial 1/3")
        process.send_signal(signal.SIGKILL)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "trials are known from an earlier run" in done.stdout
    assert "trial 1/3" not in done.stdout
    assert "trial 3/3" in done.stdout
    whole = tune(make_data(48), params, tmp_path / "other", report=lambda _: None)
    assert done.stdout.splitlines()[-1] == str(whole.found().best)


def test_a_real_training_is_stopped_in_the_middle_of_an_epoch(
    make_data: MakeData, tmp_path: Path
) -> None:
    data = make_data(2000, size=16)  # an epoch of many seconds
    params = hyperopt(timeout=0.5, epochs=100, search_space={"batch_size": SPACE["batch_size"]})
    began = time.monotonic()
    found = tune(data, params, tmp_path, report=lambda _: None)
    assert found.trials == ()
    assert time.monotonic() - began < 60  # 100 epochs would take many minutes
