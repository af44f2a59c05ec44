"""What a repository says of itself, read without running anything of it; `insight` judges it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from amelio.model import Reason


class Keeper(StrEnum):
    """Who keeps a file's versions."""

    STAGE = "a stage"
    DVC = "DVC"
    GIT = "Git"
    SOURCE = "its source"
    NOBODY = "nobody"


@dataclass(frozen=True)
class PathFact:
    """One dependency or output.

    path: relative to the root; absolute, or a URL, outside of it
    written: as dvc.yaml has it
    hash, size_bytes, n_files: as dvc.lock has them; None where it does not
    is_cached: DVC stores it, as opposed to Git or nobody
    """

    path: str
    written: str
    keeper: Keeper
    is_local: bool
    is_inside: bool
    hash: str | None
    size_bytes: int | None
    n_files: int | None
    is_cached: bool = True
    is_metric: bool = False


@dataclass(frozen=True)
class StageFact:
    """One stage of `dvc.yaml`, or a `.dvc` file.

    place: the file that declares it; folder: where its command runs; both relative to the root
    params: file → declared keys; none of them: the whole file
    missing_params: `file:key` of declared keys that the file lacks
    programs: files of the repository that its command names
    condition: `meta.amelio.when`
    reasons: why it would run, missing data aside; None where that was not asked
    """

    id: str
    name: str
    place: str
    folder: str
    is_command: bool
    is_frozen: bool
    is_always_changed: bool
    is_callback: bool
    commands: tuple[str, ...]
    needs: tuple[str, ...]
    deps: tuple[PathFact, ...]
    outs: tuple[PathFact, ...]
    params: Mapping[str, tuple[str, ...]]
    missing_params: tuple[str, ...]
    has_lock: bool
    programs: tuple[str, ...] = ()
    named_files: tuple[str, ...] = ()
    condition: str = ""
    reasons: tuple[Reason, ...] | None = None


@dataclass(frozen=True)
class GitFacts:
    """tracked: every file of the index, relative to DVC's root; changed: uncommitted ones."""

    commit: str | None
    tracked: frozenset[str]
    changed: tuple[str, ...]
    is_shallow: bool = False

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder with a tracked file in it."""
        return frozenset(parents_of(self.tracked))


@dataclass(frozen=True)
class Pushed:
    """Whether the inputs' data is in a remote.

    name: None where no remote is set up
    missing: inputs of which something is not there
    problem: why the remote did not answer, or was not asked
    """

    name: str | None
    n_objects: int = 0
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class PipelineFacts:
    """All that the reproducibility checks look at.

    git: None outside of a Git repository
    sources: programs' texts by path, modules that they import from the repository included
    imports: program → files of the repository that it imports or names, at any depth
    params: parameters file → dotted keys of its values and the values
    environment: files that say which packages are needed, by path
    project_texts: the `dvc.yaml` files' texts, by path
    lock_files: the `dvc.lock` files that are there
    template_params: keys that `foreach` and `matrix` stages declare, also of an empty list
    """

    root: Path
    stages: tuple[StageFact, ...]
    git: GitFacts | None
    pushed: Pushed
    sources: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    project_texts: Mapping[str, str] = field(default_factory=dict)
    lock_files: tuple[str, ...] = ()
    template_params: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[StageFact, ...]:
        """The stages that run commands."""
        return tuple(stage for stage in self.stages if stage.is_command)

    def covers(self, stage: StageFact, path: str) -> bool:
        """Whether a file is a dependency of the stage, or in a folder that is one."""
        return any(is_below(path, dep.path) for dep in stage.deps)


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def parents_of(paths: Iterable[str]) -> Iterator[str]:
    """The folders that each of `paths` is in, the nearest first."""
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder:
            yield folder
            folder = folder.rpartition("/")[0]
