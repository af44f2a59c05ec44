"""`hyperopt`: search for good training parameters with Optuna."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler
from optuna.trial import Trial

from amelio.vision.data.dataset import PreparedData
from amelio.vision.params import Algorithm, HyperoptParams, TrainParams
from amelio.vision.training.search_space import start_values, suggest, trial_params
from amelio.vision.training.training import TrainResult, train
from amelio.vision.training.training_state import EpochResult
from amelio.vision.training.trials import (
    Search,
    SearchLog,
    TrialRecord,
    TrialState,
    load_log,
    save_log,
    search_fingerprint,
)
from amelio.vision.training.tuning_text import search_text, trial_text

N_RANDOM_TRIALS = 4  # before TPE or CMA-ES believe what they saw; Optuna's 10 are a whole search
N_UNPRUNED_TRIALS = 2  # a median of fewer says little
N_UNPRUNED_EPOCHS = 1  # while the learning rate still rises, the accuracy says little
say = partial(print, flush=True)  # a trial takes minutes, and DVC's pipe is buffered


class Trainer(Protocol):
    """What a trial runs; `amelio.vision.training.training.train` is one."""

    def __call__(
        self,
        data: PreparedData,
        params: TrainParams,
        *,
        on_epoch: Callable[[EpochResult], None],
        should_stop: Callable[[], bool],
    ) -> TrainResult: ...


def tune(
    data: PreparedData,
    params: HyperoptParams,
    folder: Path,
    *,
    trainer: Trainer = train,
    report: Callable[[str], None] = say,
    clock: Callable[[], float] = time.monotonic,
) -> Search:
    """Try up to `max_evals` trainings within `timeout` seconds; the same inputs, the same result.

    folder: where each finished trial is kept; a search of the same data and parameters that was
        killed goes on after its last finished trial, a complete one is not run again, and one
        with a larger budget is continued
    trainer: trains a model with a trial's parameters, always with the same result
    report: told of every trial in one line

    A trial that runs out of time counts by its best epoch so far, without one it is dropped.
    Raises InputError as `train` does.
    """
    path = folder / f"{search_fingerprint(data, params)}.json"
    study, log = _rebuilt(params, load_log(path))
    if log.trials:
        report(f"{len(log.trials)} trials are known from an earlier run")
    deadline = clock() + params.timeout - sum(trial.seconds for trial in log.trials)

    def is_time_up() -> bool:
        return clock() >= deadline

    while params.search_space and _may_go_on(log, params):
        trial = study.ask()
        record = _run(trial, params, log, partial(trainer, data), is_time_up)
        lines = []
        if record is not None:
            _tell(study, trial, record)
            log = SearchLog((*log.trials, record))
            lines.append(trial_text(log.trials, params.max_evals))
        if record is None or record.state is TrialState.OUT_OF_TIME:
            log = SearchLog(log.trials, ran_out_s=params.timeout)
            lines.append(f"the time is up: {params.timeout:g} s (hyperopt.timeout)")
        save_log(log, path)
        report("\n".join(lines))  # what is told is safe
    search = Search(start_values(params.search_space), log.trials[: params.max_evals])
    report(search_text(search))
    return search


def _may_go_on(log: SearchLog, params: HyperoptParams) -> bool:
    has_time = log.ran_out_s is None or log.ran_out_s < params.timeout
    return has_time and len(log.trials) < params.max_evals


def _new_study(params: HyperoptParams) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=_sampler(params), pruner=_pruner(params)
    )
    study.enqueue_trial(start_values(params.search_space))
    return study


def _rebuilt(params: HyperoptParams, log: SearchLog) -> tuple[optuna.Study, SearchLog]:
    """A study that stands where the one that wrote `log` stood.

    Samplers are seeded, so asking again draws the logged values again, for every algorithm and
    without storing any state of Optuna (CMA-ES's is a pickle). Where it does not, the log is of
    another library and worth nothing.
    """
    study = _new_study(params)
    for record in log.trials:
        trial = study.ask()
        if suggest(trial, params.search_space) != record.values:
            return _new_study(params), SearchLog()
        _report(trial, record.accuracies)
        _tell(study, trial, record)
    return study, log


def _sampler(params: HyperoptParams) -> BaseSampler:
    match params.algorithm:
        case Algorithm.TPE:
            return TPESampler(seed=params.seed, n_startup_trials=N_RANDOM_TRIALS)
        case Algorithm.CMAES:
            return CmaEsSampler(
                seed=params.seed, n_startup_trials=N_RANDOM_TRIALS, warn_independent_sampling=False
            )
        case Algorithm.RANDOM:
            return RandomSampler(seed=params.seed)


def _pruner(params: HyperoptParams) -> BasePruner:
    if not params.pruning:
        return NopPruner()
    return MedianPruner(N_UNPRUNED_TRIALS, n_warmup_steps=N_UNPRUNED_EPOCHS + 1)


def _run(
    trial: Trial,
    params: HyperoptParams,
    log: SearchLog,
    run: Callable[..., TrainResult],
    is_time_up: Callable[[], bool],
) -> TrialRecord | None:
    """Train with what `trial` draws; None when there was no time for one epoch."""
    values = suggest(trial, params.search_space)
    for known in log.trials:  # training is deterministic: the same values give the same
        if known.values == values and known.state is TrialState.FINISHED:
            _report(trial, known.accuracies)
            return replace(known, seconds=0.0)
    pruned = False

    def on_epoch(result: EpochResult) -> None:
        nonlocal pruned
        trial.report(result.val_accuracy, result.epoch)
        pruned = result.epoch < params.epochs and trial.should_prune()

    result = run(
        trial_params(values, params),
        on_epoch=on_epoch,
        should_stop=lambda: pruned or is_time_up(),
    )
    if not result.history:
        return None
    ended = TrialState.OUT_OF_TIME if result.stopped else TrialState.FINISHED
    return TrialRecord(
        values,
        tuple(epoch.val_accuracy for epoch in result.history),
        TrialState.PRUNED if pruned else ended,
        result.train_seconds,
    )


def _report(trial: Trial, accuracies: tuple[float, ...]) -> None:
    for epoch, accuracy in enumerate(accuracies, start=1):
        trial.report(accuracy, epoch)


def _tell(study: optuna.Study, trial: Trial, record: TrialRecord) -> None:
    if record.state is TrialState.PRUNED:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, record.accuracy)
