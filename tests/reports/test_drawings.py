"""The pipeline and the run as drawings: groups, arrows, hostile names."""

from xml.etree import ElementTree

from amelio.model import Outcome
from amelio.reports.facts import LastRun, RunSpan, StageFact
from amelio.reports.graph_drawing import MAX_NODES, draw_graph
from amelio.reports.grouping import nodes_of
from amelio.reports.mermaid import mermaid
from amelio.reports.timeline import draw_timeline

HOSTILE = '"]; click n1 call alert() <script>alert(1)</script>'


def stage(name: str, *needs: str, outcome: Outcome = Outcome.RAN) -> StageFact:
    group, at, _ = name.rpartition("@")
    return StageFact(name, name, needs, group if at else None, outcome, 1.0)


LOTS = [stage(f"lot@{n}", "train", outcome=Outcome.UP_TO_DATE) for n in range(3)]
STAGES = [
    stage("data"),
    stage("train", "data"),
    *LOTS,
    stage("all", "data", "train", "lot@0", "lot@1", "lot@2"),
]


def span(name: str, start: float, seconds: float) -> RunSpan:
    return RunSpan(name, name, start, seconds, seconds, 1000, Outcome.RAN)


def test_foreach_is_one_node_and_arrows_that_follow_are_left_out() -> None:
    nodes = {node.name: node for node in nodes_of(STAGES)}
    assert list(nodes) == ["data", "train", "lot", "all"]
    assert nodes["lot"].n_stages == 3
    assert nodes["lot"].outcome_text == "3 up to date"
    assert nodes["lot"].seconds == 3
    assert nodes["all"].needs == (nodes["lot"].key,)
    full = {node.name: node for node in nodes_of(STAGES, is_reduced=False)}
    assert len(full["all"].needs) == 3


def test_groups_that_need_each_other_are_drawn() -> None:
    held = [
        *(stage(f"a@{n}", *([f"b@{n - 1}"] if n else [])) for n in range(3)),
        *(stage(f"b@{n}", f"a@{n}") for n in range(3)),
    ]
    assert draw_graph(held) is not None


def test_graph_is_xml_with_every_node_in_its_frame() -> None:
    drawing = draw_graph([*STAGES, stage("alone"), stage(HOSTILE, "train")])
    assert drawing is not None
    root = ElementTree.fromstring(str(drawing))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    boxes = [each for each in root.iter("rect") if each.get("class") == "node"]
    assert len(boxes) == 6
    corners = [(float(each.get("x", 0)), float(each.get("y", 0))) for each in boxes]
    assert all(0 <= x <= width - 164 and 0 <= y <= height - 46 for x, y in corners)
    assert len(set(corners)) == len(corners)
    assert "<script" not in str(drawing)


def test_too_many_stages_are_not_drawn() -> None:
    assert draw_graph([stage(str(n)) for n in range(MAX_NODES + 1)]) is None
    assert draw_graph([]) is None


def test_timeline_is_xml_and_escapes() -> None:
    drawing = draw_timeline(LastRun("now", 9, 2, (span("a", 0, 4), span(HOSTILE, 4, 5))))
    assert drawing is not None
    bars = list(ElementTree.fromstring(str(drawing)).iter("rect"))
    assert len(bars) == 2
    assert float(bars[0].get("width", 0)) < float(bars[1].get("width", 0))
    assert draw_timeline(LastRun("now", 9, 2)) is None


def test_mermaid_text_has_no_foreign_syntax() -> None:
    text = mermaid([stage("plain"), stage(HOSTILE, "plain")])
    assert 'n1["plain<br/>ran · 1.0 s"]:::ran' in text
    label = next(line for line in text.splitlines() if line.startswith("  n2["))
    assert not set(label.removeprefix('  n2["').removesuffix('"]:::ran')) & set('"[]()`')
    assert label.count("<") == 1
    assert "n1 --> n2" in text
