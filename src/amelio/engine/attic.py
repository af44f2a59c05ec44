"""Old outputs step aside while a stage runs, and come back when it fails."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH104, PTH108, PTH112, PTH114

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amelio import faults
from amelio.model import OutputPath


@dataclass(frozen=True)
class Move:
    """One output.

    path: where it belongs; aside: where the old one waits
    existed: there was an old one. Without it, a repetition after a crash could not tell old from
        half-made
    is_copy: the original stays in place
    """

    path: str
    aside: str
    existed: bool = True
    is_copy: bool = False

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "path": self.path,
            "aside": self.aside,
            "existed": self.existed,
            "copy": self.is_copy,
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Move":
        """From the journal."""
        return cls(raw["path"], raw["aside"], raw["existed"], raw["copy"])


def plan_moves(outputs: Sequence[OutputPath], folder: Path) -> list[Move]:
    """How the outputs step aside into `folder`; those outside of the repository stay untouched."""
    return [
        Move(
            path=out.path,
            aside=str(folder / "old" / f"{n}-{Path(out.path).name}"),
            existed=os.path.lexists(out.path),
            is_copy=out.is_persistent,
        )
        for n, out in enumerate(outputs)
        if not out.is_outside
    ]


def set_aside(moves: Sequence[Move]) -> None:
    """Move (or copy) what exists. May be repeated."""
    for move in moves:
        if not os.path.lexists(move.path) or os.path.lexists(move.aside):
            continue
        Path(move.aside).parent.mkdir(parents=True, exist_ok=True)
        if move.is_copy:
            temporary = move.aside + ".part"
            remove(temporary)
            _copy(move.path, temporary)
            os.rename(temporary, move.aside)
        else:
            relocate(move.path, move.aside)


def put_back(moves: Sequence[Move], kept: Path) -> None:
    """Bring the old outputs back; what stands in their place is kept under `kept`. May be repeated.

    An output that had no old version is taken away as well: half an output must not look like one.
    """
    for n, move in enumerate(moves):
        is_waiting = os.path.lexists(move.aside)
        if move.existed and not is_waiting:
            continue
        if os.path.lexists(move.path):
            kept.mkdir(parents=True, exist_ok=True)
            target = str(kept / f"{n}-{Path(move.path).name}")
            remove(target)
            faults.reach("put_back.before_move")
            relocate(move.path, target)
        faults.reach("put_back.after_move")
        if is_waiting:
            Path(move.path).parent.mkdir(parents=True, exist_ok=True)
            relocate(move.aside, move.path)


def discard(moves: Sequence[Move], keep: Sequence[str]) -> None:
    """Remove the old outputs but those of the paths in `keep`, whose content is nowhere else."""
    for move in moves:
        if move.path not in keep:
            remove(move.aside)


def relocate(source: str, target: str) -> None:
    """Rename; copy and remove where they are on different file systems."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = target + ".part"
        remove(temporary)
        _copy(source, temporary)
        os.rename(temporary, target)
        remove(source)


def remove(path: str) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _copy(source: str, target: str) -> None:
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
