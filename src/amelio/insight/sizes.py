"""What artefacts weigh: by stage, lot and revision; and what `gc` would free, at what cost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from amelio.dvcio.cache.garbage import Unused
from amelio.dvcio.cache.storage import CacheFacts, RevisionSize
from amelio.dvcio.facts.facts import StageFact
from amelio.dvcio.remotes.remotes import RemoteAnswer
from amelio.model import Outcome, RunResult


@dataclass(frozen=True)
class StageSize:
    """A stage's outputs, or a tracked input, as recorded.

    n_unknown: outputs whose size is not recorded
    """

    name: str
    size_bytes: int
    n_files: int
    n_unknown: int
    is_stage: bool


@dataclass(frozen=True)
class LotSize:
    """One item of a `foreach` or `matrix` stage: what it alone reads, and what it makes."""

    group: str
    item: str
    in_bytes: int
    out_bytes: int


@dataclass(frozen=True)
class Garbage:
    """What `dvc gc --workspace` would remove from the cache.

    again_s: what stages took that made some of it, by the records
    n_runs: how many runs of stages that were
    unrecorded_bytes: of files of which no record tells who made them; their_paths: theirs
    inputs: paths of tracked inputs among it: no stage can make them again
    problem: why it could not be told
    """

    n_files: int = 0
    size_bytes: int = 0
    again_s: float = 0.0
    n_runs: int = 0
    unrecorded_bytes: int = 0
    inputs: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Sizes:
    """All of it; remote: None where it was not asked; remote_name: None where there is none."""

    stages: tuple[StageSize, ...]
    lots: tuple[LotSize, ...]
    revisions: tuple[RevisionSize, ...]
    cache: CacheFacts
    garbage: Garbage
    remote_name: str | None
    remote: RemoteAnswer | None


def stage_sizes(stages: Sequence[StageFact]) -> tuple[StageSize, ...]:
    """The largest first."""
    found = [
        StageSize(
            name=stage.name,
            size_bytes=sum(out.size_bytes or 0 for out in stage.outs),
            n_files=sum(out.n_files or 1 for out in stage.outs),
            n_unknown=sum(out.size_bytes is None for out in stage.outs),
            is_stage=stage.is_command,
        )
        for stage in stages
        if stage.outs
    ]
    return tuple(sorted(found, key=lambda each: -each.size_bytes))


def lot_sizes(stages: Sequence[StageFact]) -> tuple[LotSize, ...]:
    """Every item of every `foreach` and `matrix`, in the order of dvc.yaml."""
    groups: dict[str, list[StageFact]] = defaultdict(list)
    for stage in stages:
        group, at, _ = stage.name.rpartition("@")
        if at and stage.is_command:
            groups[group].append(stage)
    return tuple(
        LotSize(
            group=group,
            item=stage.name.rpartition("@")[2],
            in_bytes=sum(dep.size_bytes or 0 for dep in stage.deps if dep.path not in shared),
            out_bytes=sum(out.size_bytes or 0 for out in stage.outs),
        )
        for group, members in groups.items()
        for shared in [_shared(members)]
        for stage in members
    )


def _shared(members: Sequence[StageFact]) -> set[str]:
    """Dependencies that all items have."""
    if len(members) < 2:
        return set()
    return set.intersection(*({dep.path for dep in stage.deps} for stage in members))


def garbage(
    unused: Sequence[Unused], runs: Sequence[RunResult], stages: Sequence[StageFact]
) -> Garbage:
    """Price what is unused by the records of the runs that made it."""
    size_of = {_hash(each.path): each.size_bytes or 0 for each in unused}
    current = {out.hash for stage in stages for out in stage.outs}  # also those that Git keeps
    made: dict[tuple[str, frozenset[str]], float] = {}
    for run in runs:
        for result in run.with_outcome(Outcome.RAN):
            lost = {out.hash for out in result.outputs if out.hash in size_of} - current
            hashes = frozenset(md5 for md5 in lost if md5)
            if hashes and result.usage:
                made.setdefault((result.stage, hashes), result.usage.wall_s)
    recorded = {md5 for _, hashes in made for md5 in hashes}
    paths_made = {
        out.path
        for run in runs
        for result in run.stages
        for out in result.outputs
        if out.hash in recorded
    }
    tracked = [out.path for stage in stages if not stage.is_command for out in stage.outs]
    inputs = {each.made_by.path for each in unused if each.made_by and _is_of(each, tracked)}
    return Garbage(
        n_files=len(unused),
        size_bytes=sum(size_of.values()),
        again_s=sum(made.values()),
        n_runs=len(made),
        unrecorded_bytes=sum(
            each.size_bytes or 0
            for each in unused
            if _hash(each.path) not in recorded | current
            and not _is_of(each, [*tracked, *paths_made])
        ),
        inputs=tuple(sorted(inputs)),
    )


def _is_of(unused: Unused, paths: Sequence[str]) -> bool:
    if unused.made_by is None:
        return False
    path = unused.made_by.path
    return any(path == other or path.endswith(f"/{other}") for other in paths)


def _hash(path: str) -> str:
    """`…/files/md5/ab/cdef` is of the hash `abcdef`."""
    *_, folder, name = path.rsplit("/", 2)
    return folder + name
