"""Takes in attempts whose commands have ended: recorded, tried again or undone."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH120

import os
import time

from amelio import disk, faults, fingerprint
from amelio.engine.books import Books
from amelio.engine.borders import Borders
from amelio.engine.events import EventKind
from amelio.engine.executor import Exit, how_it_failed
from amelio.engine.probes import Probes
from amelio.engine.recorder import Recorder
from amelio.engine.setup import Running, Setup, Underway
from amelio.errors import AmelioError, StageFailedError
from amelio.model import Outcome

FIRST_BACKOFF_S = 1.0


class Ends:
    """What happens to a stage once its commands have ended. Called under the repository lock."""

    def __init__(
        self,
        setup: Setup,
        underway: Underway,
        books: Books,
        recorder: Recorder,
        borders: Borders,
        probes: Probes,
    ) -> None:
        self._setup = setup
        self._ws = setup.workspace
        self._schedule = setup.schedule
        self._attempts = setup.attempts
        self._underway = underway
        self._books = books
        self._recorder = recorder
        self._borders = borders
        self._probes = probes

    def take_in(self, found: Exit) -> None:
        """Deal with an attempt, or a probe, that has ended."""
        if found.attempt in self._probes:
            self._probes.take_in(found)
            return
        running = self._underway.running.pop(found.attempt)
        faults.reach("exit.before_commit")
        key = running.start.stage.id
        charges = self._borders.charges(found.attempt)
        try:
            if found.signal:
                code = found.code
                why = f"it ended with exit code {code}" if code >= 0 else "it was stopped"
                self._undo(running, found, Outcome.INTERRUPTED, why)
            elif charges:
                told = "; ".join(charge.charge(running.start.stage.name) for charge in charges)
                paths = [str(self._ws.root / charge.path) for charge in charges]
                self._refuse(running, found, told, paths)
            elif found.is_timed_out:
                limit_s = self._setup.settings[key].timeout_s
                self._retry_or_fail(
                    running, found, f"took longer than its timeout of {limit_s:g} s"
                )
            elif found.code:
                shortage = disk.shortage(str(self._ws.root))
                self._retry_or_fail(running, found, how_it_failed(found.code) + shortage)
            else:
                self._record(running, found)
        except AmelioError as error:
            self._books.fail(key, error, **_facts(running, found))
        finally:
            if self._setup.neighbours:
                self._setup.neighbours.end_work(running.attempt.signature)

    def _record(self, running: Running, found: Exit) -> None:
        key = running.start.stage.id
        touched = [
            path
            for path, known in running.attempt.inputs.items()
            if (found.inputs.get(path) or fingerprint.of_path(path)) != known
        ]
        changed = self._ws.changed_inputs(key, touched)
        if changed:
            self._refuse(
                running, found, f"inputs changed while it ran: {', '.join(changed)}", touched
            )
            return
        altered = [p for p, known in found.outputs.items() if fingerprint.of_path(p) != known]
        if altered:
            names = ", ".join(os.path.relpath(path, self._ws.root) for path in altered)
            told = f"something else wrote into its outputs after it had ended: {names}"
            self._refuse(running, found, told, [])
            return
        if found.had_stragglers:
            self._books.note(key, "left processes behind, which were ended")
        try:
            facts = self._recorder.store(running.attempt, running.start.policy)
        except AmelioError as error:
            raise StageFailedError(
                f"its command ended well, but the result could not be recorded: {error}",
                hint="mend that and run again: the command will not be run a second time",
            ) from error
        self._books.settle(key, Outcome.RAN, outputs=tuple(facts), **_facts(running, found))

    def _retry_or_fail(self, running: Running, found: Exit, why: str) -> None:
        key = running.start.stage.id
        retries = self._setup.settings[key].retries
        if running.n_attempts > retries or self._books.is_stopping:
            self._undo(running, found, Outcome.FAILED, why)
            return
        self._attempts.put_back(running.attempt)
        self._ws.release(key)
        self._schedule.stop(key)
        pause_s = FIRST_BACKOFF_S * 2 ** (running.n_attempts - 1)
        self._underway.not_before[key] = time.monotonic() + pause_s
        message = f"{why}; try {running.n_attempts + 1} of {retries + 1} in {pause_s:g} s"
        self._books.tell(EventKind.RETRY, key, message=message)

    def _refuse(self, running: Running, found: Exit, why: str, paths: list[str]) -> None:
        """Do not record the attempt; from `paths`, links may lead into the cache."""
        why += ", so its result is not recorded"
        aside = self._ws.secure_cache(paths, running.started)
        if aside:
            why += (
                "; through links it overwrote what the cache had of them, which is now in "
                + ", ".join(sorted({os.path.dirname(path) for path in aside}))
            )
        self._undo(running, found, Outcome.FAILED, why)

    def _undo(self, running: Running, found: Exit, outcome: Outcome, why: str) -> None:
        self._attempts.put_back(running.attempt)
        kept = self._attempts.kept(running.attempt)
        if kept:
            why += f"; what it made is in {kept}"
        self._books.lose(running.start.stage.id, outcome, why, **_facts(running, found))


def _facts(running: Running, found: Exit) -> dict[str, object]:
    return {
        "reasons": running.start.reasons,
        "usage": found.usage,
        "attempts": running.n_attempts,
        "log": running.attempt.log,
        "started": running.started,
    }
