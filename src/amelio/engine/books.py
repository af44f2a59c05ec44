"""How stages end in the books, and what that means for the others."""

import time
from collections.abc import Mapping, Sequence

from amelio.engine.borders import Borders
from amelio.engine.events import Event, EventKind, Listener
from amelio.engine.schedule import Schedule
from amelio.errors import AmelioError
from amelio.model import OnError, Outcome, Policy, Stage, StageResult, Workspace


class Books:
    """The results of a run.

    A failed stage takes those that need it with it; with OnError.FAIL nothing more starts, with
    OnError.IGNORE everything goes on as if it had succeeded.

    errors: what was raised for a stage, by id
    forced: stages that run because something before them did (`--force-downstream`)
    """

    def __init__(
        self,
        workspace: Workspace,
        stages: Sequence[Stage],
        policy: Policy,
        schedule: Schedule,
        expected_s: Mapping[str, float],
        borders: Borders,
        listener: Listener,
    ) -> None:
        self._ws = workspace
        self._stages = {stage.id: stage for stage in stages}
        self._policy = policy
        self._schedule = schedule
        self._expected_s = expected_s
        self._borders = borders
        self._listen = listener
        self._results: dict[str, StageResult] = {}
        self.errors: dict[str, AmelioError] = {}
        self.forced: set[str] = set()
        self.is_stopping = False

    def __contains__(self, stage: str) -> bool:
        """Whether the stage has ended."""
        return stage in self._results

    def results(self) -> list[StageResult]:
        """What is in the books, in serial order."""
        return [self._results[key] for key in self._stages if key in self._results]

    def is_forced(self, stage: str) -> bool:
        """Whether the stage runs without being asked."""
        return self._policy.force or stage in self.forced

    def settle(self, key: str, outcome: Outcome, **facts: object) -> None:
        """The stage's outputs are as they should be."""
        if outcome in (Outcome.RESTORED, Outcome.UP_TO_DATE):
            facts["saved_s"] = self._expected_s.get(key, 0.0)
        if self._policy.force_downstream and (
            self.is_forced(key) or outcome in (Outcome.RAN, Outcome.RESTORED)
        ):
            self.forced.update(self._schedule.dependents(key))
        self._schedule.finish(key)
        self._enter(key, outcome, facts)

    def lose(self, key: str, outcome: Outcome, message: str, **facts: object) -> None:
        """The stage has no (new) outputs; those that need it are not reached."""
        is_failure = outcome is not Outcome.SKIPPED
        name = self._enter(key, outcome, {"message": message, **facts}).name
        if is_failure and self._policy.on_error is OnError.IGNORE:
            self._schedule.finish(key)
            return
        for lost in self._schedule.fail(key):
            self._enter(lost, Outcome.NOT_REACHED, {"message": f"{name} {outcome}"})
        if is_failure and self._policy.on_error is OnError.FAIL:
            self.stop("another stage failed")

    def fail(self, key: str, error: AmelioError, **facts: object) -> None:
        """The stage failed with an error of ours."""
        self.errors[key] = error
        self.lose(key, Outcome.FAILED, str(error), **facts)

    def stop(self, why: str) -> None:
        """Nothing more starts."""
        if self.is_stopping:
            return
        self.is_stopping = True
        for key in self._schedule.abandon():
            self._enter(key, Outcome.NOT_REACHED, {"message": why})

    def tell(self, kind: EventKind, stage: str, **facts: object) -> None:
        """Pass an event on."""
        self._listen(Event(kind, time.time(), self._name(stage), **facts))  # type: ignore[arg-type]

    def note(self, stage: str, message: str) -> None:
        """Something worth knowing about a stage."""
        self.tell(EventKind.NOTE, stage, message=message)

    def _name(self, stage: str) -> str:
        return self._stages[stage].name if stage in self._stages else stage

    def _enter(self, key: str, outcome: Outcome, facts: Mapping[str, object]) -> StageResult:
        result = StageResult(key, self._name(key), outcome, **facts)  # type: ignore[arg-type]
        self._results[key] = result
        self._ws.release(key)
        self._borders.end(key)
        self.tell(EventKind.ENDED, key, result=result)
        return result
