"""What a workflow depends on."""

from dataclasses import dataclass
from enum import StrEnum


class Remote(StrEnum):
    """The kinds of DVC remotes that a workflow can be given credentials for."""

    S3 = "s3"
    GS = "gs"
    AZURE = "azure"
    SSH = "ssh"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline and how it is to be run.

    install: shell lines that install what the stages need, and amelio
    python: a version as actions/setup-python takes it
    remote: None: stages need no data from a remote
    remote_name: DVC's name of it
    has_rules: whether there is something to judge metrics by
    needs_gpu: on a runner of your own with the label `gpu`
    folder: where the DVC repository is in the Git repository
    """

    install: tuple[str, ...]
    python: str
    remote: Remote | None = None
    remote_name: str = ""
    has_rules: bool = False
    needs_gpu: bool = False
    with_cml: bool = False
    folder: str = "."
