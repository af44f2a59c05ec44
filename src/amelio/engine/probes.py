"""Runs the probes that conditions ask for, under guards like stages."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from amelio.engine.attempts import LOG, Attempts
from amelio.engine.books import Books
from amelio.engine.conditions import Conditions
from amelio.engine.executor import Exit, LocalExecutor, how_it_failed
from amelio.engine.schedule import Schedule
from amelio.engine.settings import StageSettings
from amelio.errors import AmelioError, StageFailedError
from amelio.model import Outcome, Stage


@dataclass(frozen=True)
class _Probe:
    stage: Stage
    signature: str
    printed: Path


class Probes:
    """A probe takes its stage's slot while it runs; then the stage is asked again, and finds the
    answer.
    """

    def __init__(
        self,
        root: Path,
        schedule: Schedule,
        attempts: Attempts,
        conditions: Conditions,
        books: Books,
        executor: LocalExecutor,
    ) -> None:
        self._root = root
        self._schedule = schedule
        self._attempts = attempts
        self._conditions = conditions
        self._books = books
        self._executor = executor
        self._running: dict[str, _Probe] = {}

    def __contains__(self, attempt: str) -> bool:
        """Whether this attempt is a probe."""
        return attempt in self._running

    @property
    def stages(self) -> list[str]:
        """The stages whose probes run."""
        return [probe.stage.id for probe in self._running.values()]

    def start(self, stage: Stage, settings: StageSettings) -> None:
        """Start a stage's probe."""
        signature = self._conditions.signature(stage)
        grant = self._schedule.start(stage.id)
        folder = self._attempts.folder_for_probe(stage.name)
        printed = folder / "probe.json"
        attempt = f"{folder.parent.name}/{folder.name}"
        script = f"exec > {shlex.quote(str(printed))}\n{settings.probe}"
        self._running[attempt] = _Probe(stage, signature, printed)
        order = {
            "attempt": attempt,
            "commands": [["/bin/sh", "-c", script]],
            "cwd": str((self._root / stage.place).parent),
            "env": {**self._conditions.workspace.probe_environment(), **grant.environment()},
            "inputs": [],
            "outputs": [],
            "log": str(folder / LOG),
            "timeout_s": settings.timeout_s,
        }
        self._executor.start(folder, stage.id, order)
        self._books.note(stage.id, f"asks its probe: {settings.probe}")

    def take_in(self, found: Exit) -> None:
        """A probe has ended."""
        probe = self._running.pop(found.attempt)
        key = probe.stage.id
        self._schedule.stop(key)
        try:
            if found.signal:
                self._books.lose(key, Outcome.INTERRUPTED, "interrupted")
                return
            if not found.is_good:
                why = "timed out" if found.is_timed_out else how_it_failed(found.code)
                raise StageFailedError(f"its probe: {why}; see {probe.printed.parent / LOG}")
            value = self._conditions.take_probe(probe.stage, probe.signature, probe.printed)
            self._attempts.note_probe(key, probe.signature, value)
        except AmelioError as error:
            self._books.fail(key, error)
