"""Lots of images: found, named safely, taken in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from amelio.actions.lot_order import in_order
from amelio.actions.params_file import edit_params
from amelio.dvcio.project import track
from amelio.errors import InputError, all_of
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.image_folder import scan
from amelio.vision.data.images import is_image_name
from amelio.vision.params import load_params

IMAGES = Path("data/raw")
ANNOTATIONS = Path("data/annotations/mapped_train.csv")
PARAMS = Path("params.yaml")

LOT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # stands in a stage's name and command


@dataclass(frozen=True)
class SyncedLots:
    """What `sync_lots` found and did.

    annotated: lots with at least one labelled image; predicted: those of `inference.lots`
    added: lots that are new in `inference.lots`; missing: lots in there without a folder
    """

    annotated: tuple[str, ...]
    predicted: tuple[str, ...]
    added: tuple[str, ...]
    missing: tuple[str, ...]


def sync_lots(project: Path) -> SyncedLots:
    """Version `data/raw` with DVC and add every lot with unlabelled images to `inference.lots`.

    Raises InputError for a wrong lot name, an empty lot, or annotations that do not fit.
    """
    params = load_params(project / PARAMS)
    lots = find_lots(project / IMAGES)
    annotations = read_annotations(project / ANNOTATIONS, project / IMAGES, params.data.attributes)
    annotated = _lots_of(annotations.files)
    unlabelled = _lots_of(set(scan(project / IMAGES).files) - set(annotations.files))
    known = params.inference.lots
    added = [lot for lot in lots if lot not in known and lot in unlabelled]
    track([str(IMAGES)], project)
    if added:
        edit_params(project / PARAMS, {"inference.lots": in_order([*known, *added])})
    return SyncedLots(
        annotated=tuple(lot for lot in lots if lot in annotated),
        predicted=tuple(in_order([*known, *added])),
        added=tuple(added),
        missing=tuple(lot for lot in known if lot not in lots),
    )


def find_lots(images: Path) -> list[str]:
    """Names of the folders below `images`, in natural order (s2 before s10).

    Raises InputError when there are none, one is empty or its name is unfit for a command line.
    """
    if not images.is_dir():
        raise InputError("no such folder", path=images, hint=_hint(images))
    folders = [entry for entry in images.iterdir() if not entry.name.startswith(".")]
    check_lots(images, folders)
    return in_order(folder.name for folder in folders)


def check_lots(images: Path, folders: list[Path]) -> None:
    """Raise InputError as `find_lots` does, if `folders` are to be the lots below `images`."""
    problems = [_lot_problem(folder) for folder in sorted(folders)]
    found = [problem for problem in problems if problem]
    if not folders:
        found = ["no lots in it"]
    if found:
        raise InputError(all_of(found), path=images, hint=_hint(images))


def _lots_of(files: Iterable[str]) -> set[str]:
    return {file.partition("/")[0] for file in files}


def _hint(images: Path) -> str:
    return f"each lot is a folder of images: {images}/s1/s1_00000.png"


def _lot_problem(entry: Path) -> str:
    if not entry.is_dir():
        return f"{entry.name}: not a folder; images stand in a lot's folder"
    if not LOT_NAME.fullmatch(entry.name):
        return f"{entry.name!r}: a lot's name has letters, digits, '_' and '-' only"
    if not any(is_image_name(file.name) for file in entry.iterdir()):
        return f"{entry.name}: no image in it"
    return ""
