"""What the rooms exchange: stages, reasons, outcomes, and the Protocol through which the engine
sees a repository.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from amelio.errors import EnvironmentFailedError


class BusyError(EnvironmentFailedError):
    """Another program works on the same files; it may be worth waiting."""


class OnError(StrEnum):
    """What a failed stage means for the others."""

    FAIL = "fail"
    KEEP_GOING = "keep-going"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Selection:
    """Which stages a run is about: `dvc repro`'s targets and their options."""

    targets: tuple[str, ...] = ()
    recursive: bool = False
    pipeline: bool = False
    all_pipelines: bool = False
    downstream: bool = False
    single_item: bool = False
    glob: bool = False


@dataclass(frozen=True)
class Policy:
    """How stages are judged and run: the other options of `dvc repro`."""

    force: bool = False
    force_downstream: bool = False
    on_error: OnError = OnError.FAIL
    pull: bool = False
    allow_missing: bool = False
    run_cache: bool = True
    no_commit: bool = False


@dataclass(frozen=True)
class UnsafeParameter:
    """A parameter that reaches a shell and is more than plain words. value: or a mapping's key"""

    name: str
    value: str


class StageKind(StrEnum):
    """COMMAND runs a program; INTERNAL is work of DVC itself: imports, `dvc add`ed data, frozen
    stages.
    """

    COMMAND = "command"
    INTERNAL = "internal"


@dataclass(frozen=True)
class OutputPath:
    """Where an output of a stage stands.

    is_persistent: stays in place while the command runs
    is_outside: outside of the repository: not ours to move or delete
    """

    path: str
    is_persistent: bool = False
    is_outside: bool = False


@dataclass(frozen=True)
class Stage:
    """One stage of a plan.

    id: unique in the repository, independent of the working directory
    name: as DVC addresses it from the working directory
    needs: ids of the stages of the plan whose outputs it depends on
    place: the file that declares it
    inputs: local files and folders that the stage reads
    outputs: local files and folders that a run of it replaces
    settings: the value of `meta.amelio`, unchecked; None when there is none
    is_frozen: DVC does not look at its dependencies
    """

    id: str
    name: str
    needs: tuple[str, ...] = ()
    kind: StageKind = StageKind.COMMAND
    place: str = "dvc.yaml"
    inputs: tuple[str, ...] = ()
    outputs: tuple[OutputPath, ...] = ()
    settings: Any = None
    is_frozen: bool = False


class ReasonKind(StrEnum):
    """Why a stage runs, or does not."""

    FORCED = "forced"
    NEVER_RAN = "never ran"
    ALWAYS = "always changed"
    COMMAND = "command"
    PARAMETER = "parameter"
    CODE = "code"
    DATA = "data"
    OUTPUT = "output"
    UPSTREAM = "upstream"
    CONDITION = "condition"


@dataclass(frozen=True)
class Reason:
    """One reason: what it is about and how it changed, as text for people.

    old, new: None where there is none, for instance the new value of a deleted parameter
    """

    kind: ReasonKind
    what: str = ""
    old: str | None = None
    new: str | None = None
    note: str = ""


class Outcome(StrEnum):
    """What became of a stage in a run."""

    RAN = "ran"
    RESTORED = "restored"
    PULLED = "pulled"
    UP_TO_DATE = "up to date"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Task:
    """Everything needed to run one stage's commands.

    commands: argument vectors, run one after the other
    env: added to the environment of amelio itself; unset: taken out of it
    signature: hash of command, dependencies and parameters: equal means the same work
    is_reusable: whether the run cache keeps the result for others with this signature
    """

    stage: str
    commands: tuple[tuple[str, ...], ...]
    shown: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    unset: tuple[str, ...]
    signature: str
    is_reusable: bool = False


@dataclass(frozen=True)
class OutputFact:
    """An output as it was recorded. size_bytes, n_files: None where DVC does not know them."""

    path: str
    hash: str | None
    size_bytes: int | None
    n_files: int | None


@dataclass(frozen=True)
class Verdict:
    """All reasons for which a stage would run; none: it is up to date.

    is_pullable: nothing but missing data speaks for a run, so `--pull` may fetch it instead
    """

    reasons: tuple[Reason, ...] = ()
    is_pullable: bool = False


def never() -> bool:
    """Does not give up."""
    return False


@dataclass(frozen=True)
class Watched:
    """What decides that there is nothing to do.

    known: inputs and outputs with the fingerprints that they had when they were judged
    files: other files
    folders: of these only the list of names counts
    """

    known: Mapping[str, str]
    files: Sequence[str]
    folders: Sequence[str]


class Workspace(Protocol):
    """A repository as the engine sees it. One thread only; everything between two `locked()` may
    have changed.

    Methods raise `AmelioError`; what a stage's own state causes is a `StageFailedError` or
    `InputError` of that stage.
    """

    @property
    def root(self) -> Path:
        """The repository's root."""

    def session(self, *, is_dry: bool = False) -> AbstractContextManager[None]:
        """Around a whole run; a dry one leaves nothing behind."""

    def locked(self, gives_up: Callable[[], bool] = never) -> AbstractContextManager[None]:
        """Hold the repository lock; waits for other programs, until `gives_up` says so."""

    def plan(self, selection: Selection) -> Sequence[Stage]:
        """The stages in the order in which a serial run takes them."""

    def judge(self, stage: str, policy: Policy) -> Verdict:
        """Compare a stage with its lock entry. `policy.force` is not looked at."""

    def refresh(self, stages: Iterable[str]) -> None:
        """Read lock entries again that another program may have written meanwhile."""

    def pull(self, stage: str) -> bool:
        """Fetch a stage's missing outputs from the remote; False when that did not do."""

    def unsafe_parameters(self, stage: str) -> Sequence[UnsafeParameter]:
        """Parameters in the stage's command that a shell would not take for plain words."""

    def claim(self, stage: str) -> None:
        """Take the stage's path locks. Raises BusyError while another program works on one of its
        paths.
        """

    def is_cached(self, stage: str, policy: Policy) -> bool:
        """Whether DVC's run cache has the outputs for the stage as it is now."""

    def has_stored(self, stage: str) -> bool:
        """Whether the cache has all outputs that the lock file has."""

    def require_data(self, stage: str) -> None:
        """Raises StageFailedError when an INTERNAL stage would find missing what it looks after."""

    def require_room(self, stage: str, policy: Policy) -> None:
        """Raises EnvironmentFailedError when it is known already that the stage's outputs could not
        be stored.
        """

    def prepare(self, stage: str, policy: Policy) -> Task:
        """Take the stage's inputs as they are now, and say what is to be run."""

    def restore(self, stage: str, policy: Policy) -> list[OutputFact]:
        """Put the outputs that `is_cached` found into the workspace, and record them."""

    def changed_inputs(self, stage: str, paths: Sequence[str]) -> list[str]:
        """Which inputs have another content than when `prepare` took them; `paths` look touched."""

    def record(
        self, stage: str, policy: Policy, note: Callable[[Mapping[str, str]], None]
    ) -> list[OutputFact]:
        """Hash and store the outputs, and queue the lock entry.

        note: told the outputs' hashes by path before anything in the workspace is touched
        """

    def output_hashes(self, stage: str) -> Mapping[str, str]:
        """What the outputs that are there hash to now, by path."""

    def sweep(self, before: float) -> None:
        """Delete what a run that died left half copied in the cache: what nobody wrote since
        `before` (seconds since 1970).
        """

    def flush(self) -> None:
        """Write the queued lock entries, all or nothing for each file."""

    def release(self, stage: str) -> None:
        """Give the stage's path locks back, if it has any."""

    def run_internal(self, stage: str, policy: Policy) -> list[OutputFact]:
        """Do the work of an INTERNAL stage, and record it."""

    def parameters(self, stage: str) -> Mapping[str, Any]:
        """The parameters file beside the stage's `dvc.yaml`; empty without one."""

    def metric_files(self) -> Mapping[str, str]:
        """Every metrics file, relative to the root, with the stage that makes it."""

    def read_metric(self, path: str) -> Any:
        """The content of a metrics file; None when it is not there."""

    def probe_environment(self) -> Mapping[str, str]:
        """Variables that a probe needs like a stage's command."""

    def outputs_asking(self, probe: str) -> Sequence[str]:
        """Local outputs of all the repository's stages with this probe, planned or not."""

    def input_signature(self, stage: str) -> str:
        """Hash of the stage's command and inputs as they are now. Changes nothing."""

    def is_stored(self, path: str, stage: str) -> bool:
        """Whether the output at `path` is as the lock file has it, so that the old one need not be
        kept.
        """

    def owned_paths(self) -> Mapping[str, str]:
        """Every local output of a stage with a command, whether in the plan or not, with that
        stage's name.
        """

    def is_rightful(self, path: str) -> bool:
        """Whether the output at `path`, which looks changed, is as a lock file has it now, or is in
        the hands of another program that says so.
        """

    def secure_cache(self, paths: Sequence[str], since: float) -> list[str]:
        """Put aside those stored copies of `paths` that were overwritten after `since` (seconds
        since 1970); returns where they are.
        """

    def facts(self, stage: str) -> list[OutputFact]:
        """The stage's outputs as the lock file has them."""

    def revision(self) -> str | None:
        """The commit that is checked out; None where there is none."""

    def run_parameters(self) -> Mapping[str, Any]:
        """The parameters of the plan's stages, by file: those that were run with, else recorded."""

    def watched(self) -> Watched | None:
        """What decides that there is nothing to do; None when files alone do not decide."""


@dataclass(frozen=True)
class Usage:
    """What an attempt cost."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    read_bytes: int
    written_bytes: int


@dataclass(frozen=True)
class StageResult:
    """What became of one stage.

    message: why it failed, was skipped or was not reached
    log: the last attempt's output, None when no command ran
    saved_s: what a run of it took when it last ran, where the cache or the lock saved that
    """

    stage: str
    name: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    message: str = ""
    usage: Usage | None = None
    attempts: int = 0
    log: Path | None = None
    outputs: tuple[OutputFact, ...] = ()
    saved_s: float = 0.0
    started: float | None = None
    is_resumed: bool = False


@dataclass(frozen=True)
class RunResult:
    """One run: every stage of the plan in serial order."""

    run: str
    started: float
    ended: float
    jobs: int
    stages: tuple[StageResult, ...] = ()
    revision: str | None = None
    selection: Selection = field(default_factory=Selection)

    def with_outcome(self, *outcomes: Outcome) -> list[StageResult]:
        """The stages that ended so."""
        return [stage for stage in self.stages if stage.outcome in outcomes]
