"""What a run tells while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from amelio.model import Reason, StageResult


class EventKind(StrEnum):
    """PLANNED once; STARTED and ENDED for each stage; RETRY, WAITING and NOTE as they come."""

    PLANNED = "planned"
    STARTED = "started"
    RETRY = "retry"
    ENDED = "ended"
    WAITING = "waiting"
    NOTE = "note"


@dataclass(frozen=True)
class Event:
    """One event.

    time: seconds since the epoch
    commands, log, expected_s: of a STARTED stage
    """

    kind: EventKind
    time: float
    stage: str = ""
    message: str = ""
    reasons: tuple[Reason, ...] = ()
    commands: tuple[str, ...] = ()
    log: Path | None = None
    expected_s: float | None = None
    result: StageResult | None = None
    n_stages: int = 0


Listener = Callable[[Event], None]


def unheard(_event: Event) -> None:
    """Listens to nothing."""
