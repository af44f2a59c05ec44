"""`amelio new`: the vision pipeline written into a repository, with a user's own data if given."""

import shutil
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from amelio.actions.lots import (
    ANNOTATIONS,
    IMAGES,
    PARAMS,
    SyncedLots,
    check_lots,
    sync_lots,
)
from amelio.actions.params_file import edited
from amelio.actions.requirements import requirements
from amelio.atomic import write_bytes, write_text
from amelio.disk import told
from amelio.dvcio.project import ensure_repository
from amelio.errors import EnvironmentFailedError, InputError, all_of
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.images import is_image_name
from amelio.vision.parallel import n_cores
from amelio.vision.problems import shortened

MERGED = {"gitignore": ".gitignore", "dvcignore": ".dvcignore"}
KEPT = ("README.md", "requirements.txt")  # a user's own ones stay
FIRST_LOT = "s1"
SETTINGS = Path("amelio.yaml")


@dataclass(frozen=True)
class NewProject:
    """What `new_project` did; paths are relative to `folder`."""

    folder: Path
    made: tuple[str, ...]
    written: tuple[str, ...]
    kept: tuple[str, ...]
    lots: SyncedLots | None


@dataclass(frozen=True)
class OwnData:
    """A user's images and labels, wherever they are."""

    images: Path
    annotations: Path


def new_project(folder: Path, *, own: OwnData | None = None, force: bool = False) -> NewProject:
    """Write the pipeline into `folder` and adopt the user's data, which is copied, never moved.

    Raises InputError, before anything is written, when files are in the way (unless `force`) or
    the data does not fit; EnvironmentFailedError when it cannot be copied.
    """
    template = _template()
    if folder.exists() and not folder.is_dir():
        raise InputError("a file, expected a folder", path=folder)
    if own:
        _check_own(own, folder)
    if not force:
        _refuse_overwriting(folder, template, own)
    copy = folder / IMAGES.with_name(".raw.copying")
    try:
        if own:
            _copy_checked(own, copy)
        folder.mkdir(parents=True, exist_ok=True)
        made = ensure_repository(folder)
        written, kept = _write(folder, template, force)
        lots = _adopt(own, copy, folder) if own else None
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return NewProject(folder, tuple(made), tuple(written), tuple(kept), lots)


def _template() -> dict[str, bytes]:
    """Every file of a new project on this machine: its path in the project → its content."""
    root = files("amelio.templates") / "vision"
    found = {MERGED.get(path, path): entry.read_bytes() for path, entry in _walk(root, "")}
    for path, keys in ((PARAMS, ("hyperopt.threads", "train.threads")), (SETTINGS, ("core.jobs",))):
        text = edited(found[str(path)].decode(), dict.fromkeys(keys, n_cores()), path)
        found[str(path)] = text.encode()
    return found | {"requirements.txt": requirements().encode()}


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif entry.is_file():
            found.append((f"{prefix}{entry.name}", entry))
    return found


def _refuse_overwriting(folder: Path, template: dict[str, bytes], own: OwnData | None) -> None:
    asked = [path for path in template if path not in {*MERGED.values(), *KEPT}]
    in_way = [path for path in asked if _differs(folder / path, template[path])]
    if own:
        in_way += _data_in_way(own, folder)
    if in_way:
        raise InputError(
            f"files in the way, nothing was written: {', '.join(in_way)}",
            path=folder,
            hint="choose another folder, or give --force to overwrite them",
        )


def _data_in_way(own: OwnData, folder: Path) -> list[str]:
    images = IMAGES.with_name(f"{IMAGES.name}.dvc")  # of a clone that was not pulled
    found = [str(images)] if (folder / images).exists() else []
    if _differs(folder / ANNOTATIONS, own.annotations.read_bytes()):
        found.append(str(ANNOTATIONS))
    return found


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != content)


def _write(folder: Path, template: dict[str, bytes], force: bool) -> tuple[list[str], list[str]]:
    written, kept = [], []
    for path, content in template.items():
        target = folder / path
        if path in MERGED.values() and target.exists():
            content = _merged(target.read_text(encoding="utf-8"), content.decode()).encode()
        elif path in KEPT and target.exists() and not force:
            kept.append(path)
            continue
        if not target.exists() or _differs(target, content):
            write_bytes(target, content)
            written.append(path)
    return written, kept


def _merged(mine: str, ours: str) -> str:
    """The user's ignore file with those of our lines that it lacks at its end."""
    lacking = [line for line in ours.splitlines() if line not in mine.splitlines()]
    return "\n".join([mine.rstrip("\n"), *lacking]).lstrip("\n") + "\n" if lacking else mine


def _check_own(own: OwnData, folder: Path) -> None:
    problems = []
    if not own.images.is_dir():
        problems.append(f"--images {own.images}: no such folder")
    elif folder.resolve().is_relative_to(own.images.resolve()):
        problems.append(f"--images {own.images}: the project would lie in it; choose another DIR")
    if not own.annotations.is_file():
        problems.append(f"--annotations {own.annotations}: no such file")
    if (folder / IMAGES).exists():
        problems.append(f"{folder / IMAGES} exists; put new lots there and run `amelio lots sync`")
    if problems:
        raise InputError(all_of(problems))


def _copy_checked(own: OwnData, copy: Path) -> None:
    """Copy the user's lots to `copy`, and see whether they and the labels fit together."""
    shutil.rmtree(copy, ignore_errors=True)  # of a run that was killed
    try:
        _copy_lots(own.images, copy)
    except shutil.Error as error:  # (source, copy, reason) of each file of a lot
        failed = [f"{source}: {reason}" for source, _, reason in error.args[0]]
        text = "\n  ".join(["cannot copy these files:", *shortened(failed, "files")])
        raise EnvironmentFailedError(text, path=own.images) from error
    except OSError as error:
        raise EnvironmentFailedError(f"cannot copy it: {told(error)}", path=own.images) from error
    read_annotations(own.annotations, copy, None)


def _adopt(own: OwnData, copy: Path, folder: Path) -> SyncedLots:
    """Put lots and labels into their places, and version them."""
    copy.rename(folder / IMAGES)
    write_text(folder / ANNOTATIONS, own.annotations.read_text(encoding="utf-8-sig"))
    return sync_lots(folder)


def _copy_lots(images: Path, target: Path) -> None:
    """`images/<lot>/<file>`, or `images/<file>` as the one lot s1, copied below `target`.

    Names that begin with a dot are passed over, as everywhere.
    """
    entries = [entry for entry in images.iterdir() if not entry.name.startswith(".")]
    loose = [entry for entry in entries if entry.is_file() and is_image_name(entry.name)]
    lots = [entry for entry in entries if entry.is_dir()]
    if loose and lots:
        raise InputError(
            f"has both images ({loose[0].name}, …) and folders ({lots[0].name}, …)",
            path=images,
            hint="give a folder of lots, or a folder of images",
        )
    if not loose:
        check_lots(images, lots)
    for lot in lots:
        shutil.copytree(lot, target / lot.name, ignore=shutil.ignore_patterns(".*"))
    if loose:
        (target / FIRST_LOT).mkdir(parents=True)
    for file in loose:
        shutil.copy2(file, target / FIRST_LOT / file.name)
