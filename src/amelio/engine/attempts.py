"""One try at one stage: its folder, its journal lines, its old outputs."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amelio import faults
from amelio.engine import attic
from amelio.engine.attic import Move
from amelio.engine.journal import PUT_BACK, RECORDED, Entry, Journal, OpenAttempt
from amelio.errors import EnvironmentFailedError
from amelio.model import OutputPath

LOG = "log"
_UNSAFE = re.compile(r"[^\w.@-]+")


@dataclass(frozen=True)
class Attempt:
    """An attempt that has begun.

    moves: its outputs' old versions
    inputs: fingerprints of its inputs from before they were hashed
    precious: outputs whose old version is stored nowhere else
    """

    id: str
    stage: str
    folder: Path
    moves: tuple[Move, ...]
    inputs: Mapping[str, str]
    precious: tuple[str, ...] = ()
    signature: str = ""

    @property
    def log(self) -> Path:
        """The command's output."""
        return self.folder / LOG


class Attempts:
    """Begins and closes attempts of a run, so that a crash at any moment can be mended."""

    def __init__(self, journal: Journal, run_folder: Path) -> None:
        self._journal = journal
        self._folder = run_folder
        self._count = 0

    def begin(
        self,
        stage: str,
        name: str,
        outputs: Sequence[OutputPath],
        inputs: Mapping[str, str],
        precious: Sequence[str],
        signature: str = "",
    ) -> Attempt:
        """Write down what is going to happen, then set the old outputs aside."""
        folder = self._new_folder(name)
        moves = tuple(attic.plan_moves(outputs, folder))
        attempt = Attempt(
            id=f"{self._folder.name}/{folder.name}",
            stage=stage,
            folder=folder,
            moves=moves,
            inputs=dict(inputs),
            precious=tuple(precious),
            signature=signature,
        )
        faults.reach("start.before_journal")
        self._journal.append(
            Entry.STARTED,
            # 3 ms, for a loss of power; a crash without one leaves the line as it is
            is_synced=any(move.existed for move in moves),
            attempt=attempt.id,
            stage=stage,
            folder=str(folder),
            moves=[move.to_json() for move in moves],
            inputs=attempt.inputs,
            precious=attempt.precious,
            signature=signature,
        )
        faults.reach("start.after_journal")
        try:
            attic.set_aside(moves)
        except OSError:
            self.put_back(attempt)
            raise
        faults.reach("start.after_aside")
        return attempt

    def folder_for_probe(self, name: str) -> Path:
        """A new folder for a probe of a stage."""
        return self._new_folder(f"{name}-probe")

    def note_probe(self, stage: str, signature: str, value: Any) -> None:
        """What a probe printed, so that the next run need not ask again while its inputs are the
        same.
        """
        self._journal.append(Entry.PROBED, stage=stage, signature=signature, value=value)

    def _new_folder(self, name: str) -> Path:
        self._count += 1
        folder = self._folder / f"{self._count:04}-{_UNSAFE.sub('_', name)[-60:]}"
        folder.mkdir(parents=True)
        return folder

    def put_back(self, attempt: Attempt) -> None:
        """The attempt came to nothing: old outputs return, new ones are kept in its folder.

        Raises EnvironmentFailedError.
        """
        try:
            attic.put_back(attempt.moves, attempt.folder / "kept")
            self._journal.close([attempt.id], PUT_BACK)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot bring old outputs back: {error.strerror}: {error.filename}",
                hint="mend that; the next run brings them back",
            ) from error

    def commit(self, attempts: Sequence[Attempt]) -> list[tuple[str, str]]:
        """The attempts' results are recorded, or no longer wanted.

        Returns (stage, place) of old outputs that are kept, as their content is stored nowhere
        else.
        """
        faults.reach("close.before_journal")
        self._journal.close([attempt.id for attempt in attempts], RECORDED)
        faults.reach("close.before_discard")
        kept = []
        for attempt in attempts:
            attic.discard(attempt.moves, attempt.precious)
            kept += [
                (attempt.stage, move.aside)
                for move in attempt.moves
                if move.path in attempt.precious and os.path.lexists(move.aside)
            ]
        return kept

    def note_hashes(self, attempt: Attempt, hashes: Mapping[str, str]) -> None:
        """The outputs have been hashed and are about to be stored.

        Not synced: after a loss of power, in contrast to a crash, the command may run again.
        """
        self._journal.append(Entry.HASHED, is_synced=False, attempt=attempt.id, hashes=dict(hashes))

    def kept(self, attempt: Attempt) -> Path | None:
        """The folder of a failed attempt's outputs, when it made any."""
        folder = attempt.folder / "kept"
        return folder if folder.exists() else None


def reopen(found: OpenAttempt) -> Attempt:
    """An attempt of an earlier run, from the journal."""
    raw: dict[str, Any] = found.started
    return Attempt(
        id=raw["attempt"],
        stage=raw["stage"],
        folder=Path(raw["folder"]),
        moves=tuple(map(Move.from_json, raw["moves"])),
        inputs=raw["inputs"],
        precious=tuple(raw["precious"]),
        signature=raw["signature"],
    )
