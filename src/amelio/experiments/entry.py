"""What an experiment is asked to do, and what became of it so far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from amelio.model import OnError, Policy, Selection


class Status(StrEnum):
    """QUEUED waits; RUNNING has a worker; the others are over."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


WAITS = " waits for "
OVER = (Status.DONE, Status.FAILED, Status.STOPPED)


@dataclass(frozen=True)
class Order:
    """What one experiment is to do.

    name: the experiment's; unique for a baseline
    baseline: the commit that it is compared with, in full
    snapshot: the commit with the user's changes to tracked files, in full
    overrides: DVC's `--set-param` values, by parameters file
    folder: the working directory, relative to the top of the Git repository
    message: of the commit; None for DVC's usual one
    copies: files and folders outside of Git to be copied, relative to the DVC repository
    no_hydra: leave `params.yaml` alone where DVC's `hydra.enabled` is set
    """

    name: str
    baseline: str
    snapshot: str
    overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str = "."
    selection: Selection = field(default_factory=Selection)
    policy: Policy = field(default_factory=Policy)
    message: str | None = None
    copies: tuple[str, ...] = ()
    no_hydra: bool = False

    @property
    def values(self) -> str:
        """The parameters that were set, in one line."""
        return " ".join(
            value if path == "params.yaml" else f"{path}:{value}"
            for path, values in self.overrides.items()
            for value in values
        )

    def to_json(self) -> dict[str, Any]:
        """For the queue."""
        return asdict(self)

    @staticmethod
    def from_json(raw: dict[str, Any]) -> "Order":
        """From the queue. Raises KeyError and TypeError for what another version wrote."""
        selection, policy = dict(raw["selection"]), dict(raw["policy"])
        return Order(
            **{
                **raw,
                "overrides": {path: tuple(v) for path, v in raw["overrides"].items()},
                "selection": Selection(**{**selection, "targets": tuple(selection["targets"])}),
                "policy": Policy(**{**policy, "on_error": OnError(policy["on_error"])}),
                "copies": tuple(raw["copies"]),
            }
        )


@dataclass(frozen=True)
class Experiment:
    """One entry of the queue.

    batch: the same for all that one command queued
    tries: how often a worker took it up
    tree: the worktree that it runs in
    logs: the folders of its runs' logs, oldest first
    stage: what runs in it now, or what waits there for what
    metrics: numbers by `file:name`, once it has ended
    metric_files: where they appear while it runs, with the times (ns) of those from before
    commit: the result, in full
    message: why it failed
    """

    id: int
    order: Order
    status: Status
    batch: str
    queued: float
    tries: int = 0
    is_to_stop: bool = False
    pid: int | None = None
    started: float | None = None
    ended: float | None = None
    tree: Path | None = None
    logs: tuple[Path, ...] = ()
    stage: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    metric_files: Mapping[Path, int] = field(default_factory=dict)
    commit: str | None = None
    message: str = ""

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.order.name

    @property
    def is_waiting(self) -> bool:
        """Whether it runs, but waits for what another experiment has."""
        return self.status is Status.RUNNING and WAITS in self.stage
