"""The pipeline as people see it: a `foreach` is one node, arrows that follow are left out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from amelio.model import Outcome
from amelio.reports.facts import StageFact

MIN_GROUP = 3  # fewer stages of a group stand for themselves
_SEVERITY = (
    Outcome.FAILED,
    Outcome.INTERRUPTED,
    Outcome.NOT_REACHED,
    Outcome.RAN,
    Outcome.RESTORED,
    Outcome.PULLED,
    Outcome.SKIPPED,
    Outcome.UP_TO_DATE,
)


@dataclass(frozen=True)
class Node:
    """One stage, or all of a group. seconds: of all together; needs: keys of other nodes."""

    key: str
    name: str
    n_stages: int
    outcome: Outcome | None
    outcome_text: str
    seconds: float | None
    needs: tuple[str, ...]


def nodes_of(stages: Sequence[StageFact], *, is_reduced: bool = True) -> tuple[Node, ...]:
    """The nodes in the stages' order.

    is_reduced: leave out arrows that follow from others (a → c beside a → b → c)
    """
    sizes = Counter(stage.group for stage in stages)
    key_of = {
        stage.id: f"group:{stage.group}"
        if stage.group and sizes[stage.group] >= MIN_GROUP
        else stage.id
        for stage in stages
    }
    members: dict[str, list[StageFact]] = {}
    for stage in stages:
        members.setdefault(key_of[stage.id], []).append(stage)
    needs = {
        key: tuple(
            dict.fromkeys(
                key_of[need]
                for stage in held
                for need in stage.needs
                if need in key_of and key_of[need] != key
            )
        )
        for key, held in members.items()
    }
    if is_reduced:
        needs = _reduced(needs)
    return tuple(_node(key, held, needs[key]) for key, held in members.items())


def _node(key: str, held: Sequence[StageFact], needs: tuple[str, ...]) -> Node:
    first = held[0]
    outcomes = Counter(stage.outcome for stage in held if stage.outcome)
    worst = min(outcomes, key=_SEVERITY.index, default=None)
    is_single = len(held) == 1
    text = str(worst) if is_single and worst else ""
    if not is_single:
        text = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items())
    took = [stage.seconds for stage in held if stage.seconds is not None]
    return Node(
        key=key,
        name=first.name if is_single else str(first.group),
        n_stages=len(held),
        outcome=worst,
        outcome_text=text,
        seconds=sum(took) if took else None,
        needs=needs,
    )


def _reduced(needs: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    import networkx as nx  # 0.1 s, and most commands draw no graph

    graph = nx.DiGraph()
    graph.add_nodes_from(needs)
    graph.add_edges_from((key, need) for key, found in needs.items() for need in found)
    if not nx.is_directed_acyclic_graph(graph):  # groups that need each other's stages
        return needs
    kept = nx.transitive_reduction(graph)
    return {
        key: tuple(need for need in found if kept.has_edge(key, need))
        for key, found in needs.items()
    }
