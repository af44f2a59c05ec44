"""Writes lock entries in batches, and closes attempts only when theirs are on the disk."""

import time
from collections.abc import Mapping

from amelio.engine.attempts import Attempt, Attempts
from amelio.engine.books import Books
from amelio.errors import EnvironmentFailedError
from amelio.model import OutputFact, Policy, Workspace

FLUSH_EVERY_S = 0.5


class Recorder:
    """Between a command's end and the end of its attempt.

    due: when the next batch is to be written (monotonic seconds); None while nothing waits
    """

    def __init__(self, workspace: Workspace, attempts: Attempts, books: Books) -> None:
        self._ws = workspace
        self._attempts = attempts
        self._books = books
        self._waiting: list[Attempt] = []
        self.due: float | None = None

    def store(self, attempt: Attempt, policy: Policy) -> list[OutputFact]:
        """Hash and store what the attempt made, and queue its lock entry."""

        def note(hashes: Mapping[str, str]) -> None:
            self._attempts.note_hashes(attempt, hashes)

        facts = self._ws.record(attempt.stage, policy, note)
        self.close_later(attempt)
        return facts

    def close_later(self, attempt: Attempt) -> None:
        """The attempt is recorded with the next batch."""
        if self.due is None:
            self.due = time.monotonic() + FLUSH_EVERY_S
        self._waiting.append(attempt)

    def flush(self) -> None:
        """Write the batch. Raises EnvironmentFailedError; then everything stays as it was."""
        if not self._waiting:
            return
        self._ws.flush()
        recorded, self._waiting, self.due = self._waiting, [], None
        try:
            kept = self._attempts.commit(recorded)
        except OSError as error:
            raise EnvironmentFailedError(f"{error.strerror}: {error.filename}") from error
        for stage, place in kept:
            self._books.note(stage, f"its old output was stored nowhere else and is kept: {place}")
