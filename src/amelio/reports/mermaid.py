"""The pipeline as a Mermaid flowchart, which GitHub and GitLab draw."""

from collections.abc import Sequence

from amelio.insight.wording import duration
from amelio.model import Outcome
from amelio.redaction import one_line
from amelio.reports.facts import StageFact
from amelio.reports.grouping import Node, nodes_of

MAX_EDGES = 400  # GitHub draws 500
MAX_LABEL = 60
_CLASSES = {
    Outcome.RAN: ("ran", "stroke:#1a7f37,stroke-width:2px"),
    Outcome.RESTORED: ("saved", "stroke:#0969da,stroke-width:2px"),
    Outcome.PULLED: ("saved", "stroke:#0969da,stroke-width:2px"),
    Outcome.FAILED: ("failed", "stroke:#cf222e,stroke-width:3px"),
    Outcome.INTERRUPTED: ("failed", "stroke:#cf222e,stroke-width:3px"),
    Outcome.NOT_REACHED: ("stopped", "stroke-dasharray:4"),
    Outcome.SKIPPED: ("skipped", "stroke-dasharray:4"),
}


def mermaid(stages: Sequence[StageFact]) -> str:
    """The fenced block; stages of one `foreach` are one node, arrows that follow are left out."""
    nodes = nodes_of(stages)
    number = {node.key: f"n{place}" for place, node in enumerate(nodes, 1)}
    edges = [(need, node.key) for node in nodes for need in node.needs]
    if not nodes or len(edges) > MAX_EDGES:
        return f"The pipeline has {len(stages)} stages, too many to draw.\n" if nodes else ""
    used = {_CLASSES[node.outcome] for node in nodes if node.outcome in _CLASSES}
    lines = [
        "```mermaid",
        "flowchart TD",
        *(f'  {number[node.key]}["{_label(node)}"]{_class(node)}' for node in nodes),
        *(f"  {number[start]} --> {number[end]}" for start, end in edges),
        *(f"  classDef {name} {style}" for name, style in sorted(used)),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _label(node: Node) -> str:
    name = node.name if node.n_stages == 1 else f"{node.name} ×{node.n_stages}"
    parts = [node.outcome_text, "" if node.seconds is None else duration(node.seconds)]
    detail = " · ".join(part for part in parts if part)
    return _plain(name) + (f"<br/>{_plain(detail)}" if detail else "")


def _class(node: Node) -> str:
    return f":::{_CLASSES[node.outcome][0]}" if node.outcome in _CLASSES else ""


def _plain(text: str) -> str:
    """Text in which nothing but letters, digits and harmless signs stands for itself."""
    line = one_line(text, MAX_LABEL)
    return "".join(c if c.isalnum() or c in " _-.,@×·/…" else f"#{ord(c)};" for c in line)
