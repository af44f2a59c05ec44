"""Which stages a selection means, and their serial order: DVC's own."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH100

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from amelio.dvcio.run.stage_graph import Needs, draw, postorder
from amelio.model import Selection

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

PROJECT_FILE = "dvc.yaml"


def select(repo: "Repo", selection: Selection) -> tuple[list["Stage"], Needs]:
    """The stages in DVC's serial order, and what each stage needs; nothing for `--single-item`."""
    is_whole = selection.pipeline or selection.all_pipelines
    stages = [] if selection.all_pipelines else _collect(repo, selection)
    if selection.single_item and not is_whole:
        return stages, {}
    needs = draw(repo)
    if not stages:
        return list(postorder(needs)), needs
    needed_by = _turned(needs)
    if selection.pipeline:
        reached = _reachable((needs, needed_by), stages)
    else:
        is_downstream = selection.downstream and not is_whole
        reached = _reachable((needed_by if is_downstream else needs,), stages)
    return list(postorder(needs, reached)), needs


def _collect(repo: "Repo", selection: Selection) -> list["Stage"]:
    from dvc.repo.reproduce import collect_stages

    if not selection.targets:
        project = os.path.abspath(PROJECT_FILE)
        stages = [stage for stage in repo.index.stages if stage.path == project]
        if stages:
            return stages
    known = {stage: stage for stage in repo.index.stages}
    targets = selection.targets or (PROJECT_FILE,)
    found = collect_stages(repo, targets, recursive=selection.recursive, glob=selection.glob)
    return [known.get(stage, stage) for stage in found]


def _turned(needs: Needs) -> Needs:
    needed_by: dict[Stage, list[Stage]] = {stage: [] for stage in needs}
    for stage, found in needs.items():
        for need in found:
            needed_by[need].append(stage)
    return needed_by


def _reachable(ways: Iterable[Needs], starts: Iterable["Stage"]) -> set["Stage"]:
    """`starts` and all that follows from them on any of the ways."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        stage = waiting.pop()
        following = {each for way in ways for each in way.get(stage, ())}
        waiting += following - found
        found |= following
    return found
