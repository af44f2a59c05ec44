"""What is seen of a training: curves for `dvc plots`, and a line or a bar for the reader."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from amelio.vision.progress import progress
from amelio.vision.training.training_state import EpochResult


@contextmanager
def training_log(folder: Path, n_epochs: int) -> Iterator[Callable[[EpochResult], None]]:
    """Yield an `on_epoch` for `train` that writes dvclive's curves below `folder`.

    The curves lie in `folder/plots/metrics`, one point per epoch: dvclive takes 17 ms a point, too
    much for every step. What an earlier training left in `folder` goes.
    """
    from dvclive.live import Live  # half a second that only training needs

    class Curves(Live):
        def _init_dvc(self) -> None:
            """Open no repository: in one without a commit, dvclive would end the training."""

    # else dvclive would rewrite dvc.yaml, and commit an experiment, in the middle of a run
    with (
        Curves(str(folder), save_dvc_exp=False, dvcyaml=None) as live,
        progress("Training", n_epochs, "epochs") as advance,
    ):

        def on_epoch(result: EpochResult) -> None:
            for name, value in _points(result).items():
                live.log_metric(name, value)
            live.next_step()
            if not sys.stderr.isatty():
                print(epoch_text(result, n_epochs), flush=True)
            advance(1)

        yield on_epoch


def epoch_text(result: EpochResult, n_epochs: int) -> str:
    """One epoch in a line."""
    return (
        f"epoch {result.epoch}/{n_epochs}: loss {result.train_loss:.3f}, "
        f"validation loss {result.val_loss:.3f}, accuracy {result.val_accuracy:.4f} "
        f"({result.seconds:.1f} s)"
    )


def _points(result: EpochResult) -> dict[str, float]:
    return {
        "train_loss": result.train_loss,
        "val_loss": result.val_loss,
        "val_accuracy": result.val_accuracy,
        "learning_rate": result.learning_rate,
        **{f"val_accuracy_{name}": value for name, value in result.val_accuracies.items()},
    }
