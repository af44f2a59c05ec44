"""Notices when something writes into an output that belongs to another stage."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH112, PTH116

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from amelio import fingerprint
from amelio.engine.setup import Underway
from amelio.errors import StageFailedError
from amelio.model import Stage, Workspace

SLACK_S = 0.05  # the kernel's clock for ctime ticks every 4 to 10 ms
ADVICE = "let one stage alone make an output; the others write elsewhere"


@dataclass(frozen=True)
class Trespass:
    """An output was changed by someone else than its owner.

    path: as users write it; owner: the stage's name
    suspects: names of the stages whose commands ran at that moment
    """

    path: str
    owner: str
    suspects: tuple[str, ...]

    def charge(self, stage: str) -> str:
        """What is said of one of the suspects."""
        others = [name for name in self.suspects if name != stage]
        also = f" (and {', '.join(others)}: `--jobs 1` tells which)" if others else ""
        return f"{self.path}, an output of {self.owner}, was changed while it ran{also}"


class Borders:
    """Fingerprints of every output that no command of this run may write to at the moment.

    Outputs of a stage are its own from `begin` to `end`. An output that looks changed although it
    is nobody's turn is compared with the lock file, since plain `dvc` and hard links change
    fingerprints rightfully. What is left is a trespass: of every attempt that ran at that moment
    nothing is recorded, and no stage that needs the output starts.

    A write into the output of a stage whose command runs at the same time is not seen.
    """

    def __init__(self, workspace: Workspace, underway: Underway) -> None:
        self._ws = workspace
        self._underway = underway
        self._owners: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._lent: dict[str, list[str]] = {}
        self._charges: dict[str, list[Trespass]] = {}
        self._broken: dict[str, Trespass] = {}
        self._is_armed = False

    def begin(self, stage: Stage) -> None:
        """From now on the stage's outputs may change."""
        if not self._is_armed:
            self._is_armed = True
            self._owners = dict(self._ws.owned_paths())
            self._marks = {path: fingerprint.of_path(path) for path in self._owners}
        paths = [out.path for out in stage.outputs if out.path in self._owners]
        self._lent[stage.id] = paths
        for path in paths:
            self._marks.pop(path, None)

    def end(self, stage: str) -> None:
        """The stage's outputs are as they are to stay, if it ever began."""
        for path in self._lent.pop(stage, ()):
            self._marks[path] = fingerprint.of_path(path)
            self._broken.pop(path, None)

    def look(self, ended: Mapping[str, float]) -> None:
        """Look for changed outputs; `ended`: when attempts have ended (seconds since 1970)."""
        self._look_at(list(self._marks), ended)

    def is_charged(self, attempt: str) -> bool:
        """Whether an attempt is suspected of something."""
        return attempt in self._charges

    def charges(self, attempt: str) -> list[Trespass]:
        """What an attempt is suspected of. Tells it once."""
        return self._charges.pop(attempt, [])

    def require_sound(self, stage: Stage, outputs: Iterable[str]) -> None:
        """Raises StageFailedError when one of `outputs`, which the stage needs, was changed by
        someone else than its owner.
        """
        paths = [path for path in outputs if path in self._marks]
        self._look_at(paths, {})
        for path in paths:
            if path in self._broken:
                found = self._broken[path]
                who = " or ".join(found.suspects) or "someone"
                raise StageFailedError(
                    f"{stage.name} needs {found.path}, an output of {found.owner}, which {who} "
                    "changed",
                    hint=ADVICE,
                )

    def _look_at(self, paths: list[str], ended: Mapping[str, float]) -> None:
        for path in paths:
            mark = fingerprint.of_path(path)
            known = self._marks[path]
            if mark == known:
                continue
            self._marks[path] = mark
            is_made = known == fingerprint.MISSING and not _has_files(path)
            if not is_made and not self._ws.is_rightful(path):
                self._accuse(path, ended)

    def _accuse(self, path: str, ended: Mapping[str, float]) -> None:
        changed = _changed_at(path)
        suspects = [
            running
            for key, running in self._underway.running.items()
            if changed is None
            or running.started - SLACK_S <= changed <= ended.get(key, changed) + SLACK_S
        ]
        names = tuple(running.start.stage.name for running in suspects)
        shown = os.path.relpath(path, self._ws.root)
        found = self._broken[path] = Trespass(shown, self._owners[path], names)
        for running in suspects:
            self._charges.setdefault(running.attempt.id, []).append(found)


def _has_files(path: str) -> bool:
    if not os.path.isdir(path):
        return os.path.lexists(path)
    return any(files for _, _, files in os.walk(path))


def _changed_at(path: str) -> float | None:
    """When a file or anything in a folder was last changed; None when that cannot be said."""
    try:
        newest = os.stat(path).st_ctime
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                newest = max(newest, os.stat(f"{folder}/{name}").st_ctime)
    except OSError:
        return None
    return newest
