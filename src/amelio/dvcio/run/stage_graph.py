"""Which stage needs which, as DVC's own graph has it, without the 0.15 s that networkx takes to
import.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

Needs = Mapping["Stage", Sequence["Stage"]]


def draw(repo: "Repo") -> Needs:
    """Every stage with the stages that make what it depends on; a frozen one needs none.

    Stages in the order of DVC's index, needs in the order of the stage's dependencies.

    Raises what DVC raises for cycles, for outputs that overlap, and for a stage's file in one.
    """
    needs = {stage: _makers(repo, stage) for stage in repo.index.stages}
    place = {stage: i for i, stage in enumerate(postorder(needs))}
    if any(place[need] >= place[stage] for stage, found in needs.items() for need in found):
        repo.index.check_graph()  # DVC finds the cycle too, and says where
    return {stage: () if stage.frozen else found for stage, found in needs.items()}


def postorder(needs: Needs, chosen: "Iterable[Stage] | None" = None) -> Iterator["Stage"]:
    """`chosen` stages, else all, each after what it needs of them: DVC's serial order."""
    wanted = set(needs if chosen is None else chosen)
    begun: set[Stage] = set()
    for first in needs:
        if first not in wanted or first in begun:
            continue
        begun.add(first)
        path = [(first, iter(needs[first]))]
        while path:
            stage, left = path[-1]
            following = next((s for s in left if s in wanted and s not in begun), None)
            if following is None:
                path.pop()
                yield stage
            else:
                begun.add(following)
                path.append((following, iter(needs[following])))


def _makers(repo: "Repo", stage: "Stage") -> Sequence["Stage"]:
    """As dvc.repo.graph.build_graph has it, and with its errors."""
    from dvc.dependency import DatasetDependency
    from dvc.exceptions import StagePathAsOutputError
    from dvc.fs import localfs

    outs = repo.index.outs_trie
    inside = outs.shortest_prefix(localfs.parts(stage.path)).get()
    if inside:
        raise StagePathAsOutputError(stage, str(inside))
    if stage.is_repo_import or stage.is_db_import:
        return ()
    makers: dict[Stage, None] = {}
    for dep in stage.deps:
        if isinstance(dep, DatasetDependency):
            continue
        parts = dep.fs.parts(dep.fs_path)
        found = [node.value for node in outs.prefixes(parts)]
        if outs.has_subtrie(parts):
            found += outs.values(prefix=parts)
        makers.update(dict.fromkeys(out.stage for out in found))
    return list(makers)
