"""`amelio demo`: a complete project, from drawn images to predictions for every lot."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amelio.actions.lot_order import in_order
from amelio.actions.lots import PARAMS, sync_lots
from amelio.actions.new import new_project
from amelio.actions.params_file import edit_params
from amelio.demos.collection import DEFAULT_N_IMAGES, Collection, write_collection
from amelio.dvcio.project import commit_all, ensure_identity, is_committed
from amelio.errors import InputError
from amelio.vision.parallel import n_cores

SEED = 0
TRUTH = Path("truth/lots.csv")
EVALUATION = Path("metrics/eval_metrics.json")
PREDICTIONS = Path("outputs/predictions.csv")

# What differs from the template's parameters: a demo is brief, and digits are not symmetric.
BRIEF: dict[str, Any] = {
    "hyperopt.max_evals": 3,
    "hyperopt.epochs": 2,
    "train.epochs": 12,
    "performance.n_images": 50,
    "performance.rounds": 2,
    "performance.round_s": 0.1,
    "quality.on_alert": "warn",  # few images make a weak model, and a demo shows its predictions
}
CHANGES: dict[Collection, dict[str, Any]] = {
    Collection.FACES: BRIEF,
    Collection.DIGITS: {**BRIEF, "data.image_size": 32, "train.augmentation.flip": False},
}


@dataclass(frozen=True)
class DemoResult:
    """How the demo's model does; all figures are shares between 0 and 1.

    test_accuracy: attribute → accuracy on the test set
    lot_accuracy: lot → mean accuracy over attributes of its predictions, against the truth
    """

    average_accuracy: float
    test_accuracy: dict[str, float]
    lot_accuracy: dict[str, float]


def make_demo(
    folder: Path,
    collection: Collection,
    n_images: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> bool:
    """Make the demo project in `folder`, a repository of its own; False when it is there already.

    progress: called with the number of images drawn so far and of all
    tell: called with what begins, in words

    One that was interrupted is finished. Raises InputError when something else is in `folder`.
    """
    is_drawn = (folder / TRUTH).exists()
    if is_drawn and (folder / "data/raw.dvc").exists():
        return False
    if not is_drawn:
        _draw(folder, collection, n_images, progress, tell)
    tell("Writing the pipeline")
    new_project(folder, force=is_drawn)
    edit_params(folder / PARAMS, CHANGES[collection])
    ensure_identity(folder)
    tell("Versioning the images")
    sync_lots(folder)
    commit_all(folder, "Add the images and the vision pipeline")
    return True


def _draw(
    folder: Path,
    collection: Collection,
    n_images: int | None,
    progress: Callable[[int, int], None] | None,
    tell: Callable[[str], None],
) -> None:
    """Images, annotations and truth; aside at first, so that nobody's own files are written over.

    The truth comes last: where it is, everything else is.
    """
    drawing = folder / ".drawing"
    if folder.exists() and (
        not folder.is_dir() or any(entry != drawing for entry in folder.iterdir())
    ):
        raise InputError("not empty, and not a demo", path=folder, hint="choose another folder")
    if n_images is None:
        n_images = DEFAULT_N_IMAGES[collection]
    tell(f"Drawing {n_images} {collection.value}")
    shutil.rmtree(drawing, ignore_errors=True)  # of a run that was interrupted
    write_collection(collection, drawing, n_images, SEED, n_cores(), progress)
    for part in ("data", TRUTH.parent):
        (drawing / part).rename(folder / part)
    drawing.rmdir()


def finish_demo(folder: Path) -> DemoResult:
    """Commit the first results of the demo's pipeline, which has run, and tell the latest."""
    if not is_committed(folder, "dvc.lock"):
        commit_all(folder, "Run the pipeline")
    evaluation = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
    return DemoResult(
        average_accuracy=evaluation["overall"]["average_accuracy"],
        test_accuracy={
            name: figures["accuracy"] for name, figures in evaluation["attributes"].items()
        },
        lot_accuracy=_lot_accuracy(folder),
    )


def _lot_accuracy(folder: Path) -> dict[str, float]:
    """Mean share of right predictions per lot, from `outputs/predictions.csv` and the truth."""
    truth = {row.pop("filename"): row for row in _rows(folder / TRUTH)}
    right: dict[str, list[bool]] = {}
    for row in _rows(folder / PREDICTIONS):
        if expected := truth.get(row["filename"]):  # of a lot that was added later there is none
            right.setdefault(row["lot"], []).extend(row[key] == expected[key] for key in expected)
    return {lot: sum(right[lot]) / len(right[lot]) for lot in in_order(right)}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
