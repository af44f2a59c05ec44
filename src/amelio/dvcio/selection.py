"""Which stages a selection means, and their serial order: DVC's own."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH100

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from amelio.model import Selection

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage
    from networkx import DiGraph

PROJECT_FILE = "dvc.yaml"


def select(repo: "Repo", selection: Selection) -> tuple[list["Stage"], "DiGraph | None"]:
    """The stages in DVC's serial order, and the graph (stage → what it needs); no graph for
    `--single-item`.
    """
    from dvc.repo.reproduce import get_active_graph

    is_single = selection.single_item and not (selection.pipeline or selection.all_pipelines)
    is_downstream = selection.downstream and not (selection.pipeline or selection.all_pipelines)
    stages = [] if selection.all_pipelines else _collect(repo, selection)
    if is_single:
        return stages, None
    graph = get_active_graph(repo.index.graph)
    return _order(graph, stages, selection.pipeline, is_downstream), graph


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


def _order(
    graph: "DiGraph", stages: list["Stage"], pipeline: bool, downstream: bool
) -> list["Stage"]:
    """As DVC's `plan_repro`, which walks anew from every stage and takes quadratic time."""
    import networkx as nx
    from dvc.repo.reproduce import plan_repro

    if pipeline or not stages:
        return list(plan_repro(graph, stages, pipeline=pipeline, downstream=downstream))
    reachable = _reachable(graph.pred if downstream else graph.succ, stages)
    return list(nx.dfs_postorder_nodes(graph.subgraph(reachable)))


def _reachable(next_of: object, starts: Iterable["Stage"]) -> set["Stage"]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        for stage in next_of[waiting.pop()]:  # type: ignore[index]
            if stage not in found:
                found.add(stage)
                waiting.append(stage)
    return found
