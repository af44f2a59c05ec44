"""The append-only, checksummed, synced record of what was begun and what became of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from amelio.atomic import write_bytes
from amelio.engine.guard import journal_line

RECORDED = "recorded"
PUT_BACK = "put back"


class Entry(StrEnum):
    """Kinds of journal lines. EXITED is written by the guard."""

    STARTED = "started"
    EXITED = "exited"
    HASHED = "hashed"
    CLOSED = "closed"
    PROBED = "probed"


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt of which the journal does not say how it was closed.

    started: the line written before anything was moved
    exited: the guard's line, None when the command did not come to its end
    hashes: of its outputs, when recording them had begun
    """

    started: dict[str, Any]
    exited: dict[str, Any] | None
    hashes: dict[str, str]

    @property
    def attempt(self) -> str:
        """The attempt's id."""
        return str(self.started["attempt"])

    @property
    def stage(self) -> str:
        """The stage's id."""
        return str(self.started["stage"])


class Journal:
    """One file; lines of a crash that are torn or damaged are dropped when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: Entry, *, is_synced: bool = True, **fields: Any) -> None:
        """Add a line and sync it. Raises OSError."""
        entry = {"kind": kind.value, **fields}
        journal_line.append(str(self.path), entry, is_synced=is_synced)

    def close(self, attempts: Iterable[str], how: str) -> None:
        """Write down that attempts have been dealt with. Raises OSError."""
        lines = [
            {"kind": Entry.CLOSED.value, "attempt": attempt, "how": how} for attempt in attempts
        ]
        journal_line.append(str(self.path), *lines)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every whole line, oldest first."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.split(b"\n"):
            entry = journal_line.decode(line)
            if entry is not None:
                yield entry

    def open_attempts(self) -> list[OpenAttempt]:
        """What a crash left unfinished, oldest first."""
        started: dict[str, dict[str, Any]] = {}
        exited: dict[str, dict[str, Any]] = {}
        hashes: dict[str, dict[str, str]] = {}
        for entry in self.entries():
            if entry["kind"] == Entry.STARTED:
                started[entry["attempt"]] = entry
            elif entry["kind"] == Entry.EXITED:
                exited[entry["attempt"]] = entry
            elif entry["kind"] == Entry.HASHED:
                hashes[entry["attempt"]] = entry["hashes"]
            elif entry["kind"] == Entry.CLOSED:
                started.pop(entry["attempt"], None)
        return [
            OpenAttempt(entry, exited.get(attempt), hashes.get(attempt, {}))
            for attempt, entry in started.items()
        ]

    def recorded_attempts(self) -> list[OpenAttempt]:
        """What was recorded since the journal was last compacted; its old outputs may still be
        there.
        """
        entries = list(self.entries())
        done = {e["attempt"] for e in entries if e.get("how") == RECORDED}
        started = [e for e in entries if e["kind"] == Entry.STARTED and e["attempt"] in done]
        return [OpenAttempt(entry, None, {}) for entry in started]

    def probes(self) -> dict[str, dict[str, Any]]:
        """The last answer of each stage's probe."""
        return {e["stage"]: e for e in self.entries() if e["kind"] == Entry.PROBED}

    def compact(self) -> None:
        """Keep only what is still open and the last probes."""
        kept: list[dict[str, Any]] = list(self.probes().values())
        for attempt in self.open_attempts():
            kept.append(attempt.started)
            if attempt.exited:
                kept.append(attempt.exited)
            if attempt.hashes:
                hashed = {"kind": Entry.HASHED.value, "attempt": attempt.attempt}
                kept.append({**hashed, "hashes": attempt.hashes})
        if self.path.exists():
            write_bytes(self.path, b"".join(map(journal_line.encode, kept)))
