"""`plots/hyperopt`: the trials of a search as tables that `dvc plots` shows."""

import shutil
from itertools import accumulate
from pathlib import Path

from amelio.vision.evaluation.plot_tables import write_csv
from amelio.vision.training.trials import Search, TrialState


def write_tuning_plots(search: Search, folder: Path) -> None:
    """Write `trials.csv` (all trials, best so far) and `keys/<key>.csv` (accuracy over value).

    Times are left out, so that the same search gives the same bytes.
    """
    keys = list(search.start)
    fair = [0.0 if t.state is TrialState.PRUNED else t.accuracy for t in search.trials]
    write_csv(
        folder / "trials.csv",
        ["trial", "state", "val_accuracy", "best", *keys],
        (
            [number, trial.state, trial.accuracy, best, *trial.values.values()]
            for number, (trial, best) in enumerate(
                zip(search.trials, accumulate(fair, max), strict=True), start=1
            )
        ),
    )
    if (folder / "keys").exists():  # of a search over other keys
        shutil.rmtree(folder / "keys")
    for key in keys:
        if not isinstance(search.start[key], str):
            rows = ([trial.values[key], trial.accuracy] for trial in search.trials)
            write_csv(folder / "keys" / f"{key}.csv", ["value", "val_accuracy"], rows)
