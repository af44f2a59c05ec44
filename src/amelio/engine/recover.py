"""What a crashed run left: finished work is kept for recording, unfinished work is undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amelio import fingerprint
from amelio.engine import attic, locks
from amelio.engine.attempts import Attempt, Attempts, reopen
from amelio.engine.executor import Exit, exit_of
from amelio.engine.journal import Journal

DEATH_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Finished:
    """An attempt whose command had ended well when amelio died.

    hashes: what its outputs must hash to, when storing them may have replaced their files; None:
        they are untouched
    """

    attempt: Attempt
    exit: Exit
    hashes: Mapping[str, str] | None


def recover(journal: Journal, attempts: Attempts, locks_folder: Path) -> dict[str, Finished]:
    """Undo what was cut off; return what only lacks its record, by stage. Called with the run lock
    held.

    An attempt can still be recorded when its outputs are what the guard saw at its end and its
    inputs are what they were at its start. Of several for one stage the last counts.
    """
    finished: dict[str, Finished] = {}
    state = journal.path.parent
    for found in journal.recorded_attempts():
        attempt = reopen(found)
        if not _is_of(attempt, state):
            continue
        attic.discard(attempt.moves, attempt.precious)
    for found in journal.open_attempts():
        locks.wait_until_free(locks.stage_lock(locks_folder, found.stage), DEATH_PATIENCE_S)
    for found in journal.open_attempts():  # again: a guard may have reported while we waited
        attempt = reopen(found)
        if not _is_of(attempt, state):
            continue
        older = finished.pop(found.stage, None)
        if older:
            attempts.commit([older.attempt])
        ended = exit_of(found.exited) if found.exited else None
        if ended and ended.is_good and _are(attempt.inputs) and _are(ended.inputs):
            if _are(ended.outputs):
                finished[found.stage] = Finished(attempt, ended, None)
            elif found.hashes:
                finished[found.stage] = Finished(attempt, ended, found.hashes)
        if found.stage not in finished:
            attempts.put_back(attempt)
    journal.compact()
    return finished


def _is_of(attempt: Attempt, state: Path) -> bool:
    """Whether the attempt was made here: not in a repository that was copied or moved since."""
    places = [attempt.folder, *(Path(move.aside) for move in attempt.moves)]
    return all(place.is_relative_to(state) and ".." not in place.parts for place in places)


def _are(fingerprints: Mapping[str, str]) -> bool:
    return all(fingerprint.of_path(path) == known for path, known in fingerprints.items())
