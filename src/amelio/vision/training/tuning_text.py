"""What a search tells while it runs, and at its end."""

from collections.abc import Mapping, Sequence

from amelio.vision.training.trials import Search, TrialRecord
from amelio.vision.training.tuned import Value


def trial_text(trials: Sequence[TrialRecord], max_evals: int) -> str:
    """The last of `trials` in a line."""
    record = trials[-1]
    return (
        f"trial {len(trials)}/{max_evals}: validation accuracy {record.accuracy:.4f} "
        f"with {_values_text(record.values)} ({record.state}, {record.seconds:.1f} s)"
    )


def search_text(search: Search) -> str:
    """The best trial in a line."""
    found = search.found()
    if found.trial is None:
        return f"no trial: the search stays at {_values_text(found.best)}"
    return (
        f"best of {len(search.trials)} trials: number {found.trial}, validation accuracy "
        f"{found.val_accuracy:.4f} (start: {found.start_val_accuracy:.4f}) "
        f"with {_values_text(found.best)}"
    )


def _values_text(values: Mapping[str, Value]) -> str:
    pairs = (
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in values.items()
    )
    return ", ".join(pairs) or "nothing to tune"
