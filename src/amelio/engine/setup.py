"""What a run is given, and what the loop keeps about a stage that it has started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from amelio.engine.attempts import Attempt, Attempts
from amelio.engine.conditions import Conditions
from amelio.engine.executor import LocalExecutor
from amelio.engine.neighbours import Neighbours
from amelio.engine.recover import Finished
from amelio.engine.schedule import Grant, Schedule
from amelio.engine.settings import StageSettings
from amelio.model import Policy, Reason, Stage, Workspace


@dataclass(frozen=True)
class Start:
    """A stage that is going to run: why, how, and what was found before.

    inputs: fingerprints from before anything was hashed
    precious: outputs whose old version is stored nowhere else
    """

    stage: Stage
    reasons: tuple[Reason, ...]
    policy: Policy
    grant: Grant
    inputs: Mapping[str, str]
    precious: Sequence[str]


@dataclass(frozen=True)
class Running:
    """A stage whose commands run."""

    start: Start
    attempt: Attempt
    started: float
    n_attempts: int


@dataclass
class Underway:
    """What is between its start and its end: starts fill it, ends empty it.

    running: attempts whose commands run, by attempt
    not_before: stages that wait for another try, until when (monotonic seconds)
    tries: how often each stage's commands were started
    finished: attempts of a crashed run that only lack their record, by stage
    done_elsewhere: signatures of work that another run does now, by stage
    """

    finished: dict[str, Finished]
    running: dict[str, Running] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    done_elsewhere: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setup:
    """What a run is given.

    expected_s: seconds that stages took before, by id
    finished: attempts of a crashed run that only lack their record
    executor: the guards' parent; whoever opened it closes it
    confirm: asked before each stage starts, for `--interactive`
    neighbours: what is shared with other runs; None when there are none
    allow_unsafe_params: whether parameters in commands may be more than plain words
    """

    workspace: Workspace
    stages: Sequence[Stage]
    settings: Mapping[str, StageSettings]
    policy: Policy
    schedule: Schedule
    attempts: Attempts
    conditions: Conditions
    executor: LocalExecutor
    expected_s: Mapping[str, float] = field(default_factory=dict)
    finished: Mapping[str, Finished] = field(default_factory=dict)
    confirm: Callable[[str], bool] | None = None
    neighbours: Neighbours | None = None
    allow_unsafe_params: bool = False
