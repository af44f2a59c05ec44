"""The pipeline as a drawing (SVG), laid out by layers from top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout
from markupsafe import Markup

from amelio.insight.wording import duration
from amelio.reports.facts import StageFact
from amelio.reports.grouping import Node, nodes_of
from amelio.reports.outcomes import TONES
from amelio.reports.svg import element, text, title

MAX_NODES = 120  # beyond, a drawing tells nothing; the table of stages does
NODE_WIDTH = 164
NODE_HEIGHT = 46
GAP_X = 18
GAP_Y = 34
FITS_PHONE = 570  # wider drawings are scrolled there
MARGIN = 8
LETTERS = 20


@dataclass
class _Box:
    """What grandalf asks of a node's view: its size, and where it puts the centre."""

    w: float = NODE_WIDTH
    h: float = NODE_HEIGHT
    xy: tuple[float, float] = (0.0, 0.0)


def draw_graph(stages: Sequence[StageFact]) -> Markup | None:
    """The drawing; None where there is nothing to draw, or too much."""
    nodes = nodes_of(stages)
    if not nodes or len(nodes) > MAX_NODES:
        return None
    centres = _centres(nodes)
    width = max(x for x, _ in centres.values()) + NODE_WIDTH / 2 + MARGIN
    height = max(y for _, y in centres.values()) + NODE_HEIGHT / 2 + MARGIN
    arrows = [_arrow(centres[need], centres[node.key]) for node in nodes for need in node.needs]
    boxes = [_box(node, centres[node.key]) for node in nodes]
    return element(
        "svg",
        _arrow_head(),
        *arrows,
        *boxes,
        class_="graph" if width <= FITS_PHONE else "graph large",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=width,
        height=height,
        role="img",
        aria_label=f"The pipeline: {len(stages)} stages",
    )


def _centres(nodes: Sequence[Node]) -> dict[str, tuple[float, float]]:
    """The middle of every node; parts that hang together stand side by side."""
    vertices = {node.key: Vertex(node.key) for node in nodes}
    for vertex in vertices.values():
        vertex.view = _Box()
    edges = [Edge(vertices[need], vertices[node.key]) for node in nodes for need in node.needs]
    graph = Graph(list(vertices.values()), edges)
    centres: dict[str, tuple[float, float]] = {}
    left = float(MARGIN)
    for part in graph.C:
        layout = SugiyamaLayout(part)
        layout.xspace, layout.yspace = GAP_X, GAP_Y
        layout.init_all(optimize=True)
        layout.draw(20)
        places = {vertex.data: vertex.view.xy for vertex in part.sV}
        shift_x = left + NODE_WIDTH / 2 - min(x for x, _ in places.values())
        shift_y = MARGIN + NODE_HEIGHT / 2 - min(y for _, y in places.values())
        for key, (x, y) in places.items():
            centres[key] = (x + shift_x, y + shift_y)
        left = max(centres[key][0] for key in places) + NODE_WIDTH / 2 + 2 * GAP_X
    return centres


def _box(node: Node, centre: tuple[float, float]) -> Markup:
    left, top = centre[0] - NODE_WIDTH / 2, centre[1] - NODE_HEIGHT / 2
    detail = node.outcome_text or "not in the last run"
    if node.seconds is not None:
        detail += f" · {duration(node.seconds)}"
    name = node.name if node.n_stages == 1 else f"{node.name} ×{node.n_stages}"
    tone = TONES[node.outcome] if node.outcome else "idle"
    parts = [title(f"{name}: {detail}")]
    if node.n_stages > 1:
        parts.append(_rectangle(left + 4, top + 4, "node behind"))
    parts += [
        _rectangle(left, top, "node"),
        element("circle", class_="dot", cx=left + 15, cy=top + 17, r=4),
        text(name, LETTERS, class_="name", x=left + 26, y=top + 21),
        text(detail, LETTERS + 4, class_="detail", x=left + 26, y=top + 37),
    ]
    return element("g", *parts, class_=f"tone-{tone}")


def _rectangle(x: float, y: float, class_: str) -> Markup:
    return element("rect", class_=class_, x=x, y=y, width=NODE_WIDTH, height=NODE_HEIGHT, rx=8)


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    x1, y1 = start[0], start[1] + NODE_HEIGHT / 2
    x2, y2 = end[0], end[1] - NODE_HEIGHT / 2 - 5
    bend = max(14.0, (y2 - y1) / 2)
    path = (
        f"M{x1:.1f} {y1:.1f} C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
    )
    return element("path", class_="arrow", d=path, marker_end="url(#arrow-head)")


def _arrow_head() -> Markup:
    tip = element("path", class_="arrow-tip", d="M0 0 L8 4 L0 8 z")
    marker = element(
        "marker",
        tip,
        id="arrow-head",
        viewBox="0 0 8 8",
        refX=4,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    )
    return element("defs", marker)
