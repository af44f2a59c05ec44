"""The graph of stages: DVC's own, edge by edge, drawn without networkx."""

import subprocess
import sys

import pytest

from amelio.dvcio.repository import open_repo
from amelio.dvcio.run.stage_graph import draw, postorder
from amelio.dvcio.workspace import open_workspace
from amelio.errors import InputError
from amelio.model import Selection
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def _shapes(project: Project) -> None:
    """A folder that is an output, files within it as dependencies, the reverse, and a data file."""
    project.write("data/raw", "1")
    project.dvc("add", "--quiet", "data")
    project.stages(
        join={"cmd": "true", "deps": ["d", "b", "s/part", "data/raw"], "outs": ["join"]},
        a={"cmd": "true", "deps": ["data"], "outs": ["d/a", "d/b"]},
        b={"cmd": "true", "deps": ["d/a", "d/b"], "outs": ["b"]},
        s={"cmd": "true", "deps": ["b"], "outs": ["s"]},
        alone={"cmd": "true", "outs": ["alone"]},
        again={"cmd": "true", "deps": ["join", "alone"], "outs": ["again"]},
    )


def test_the_graph_and_its_order_are_dvcs(project: Project) -> None:
    import networkx as nx

    _shapes(project)
    with open_repo() as repo:
        needs, graph = draw(repo), repo.index.graph
        assert {stage: list(found) for stage, found in needs.items()} == {
            stage: list(graph.successors(stage)) for stage in graph
        }
        assert list(postorder(needs)) == list(nx.dfs_postorder_nodes(graph))


def test_a_frozen_stage_needs_nothing(project: Project) -> None:
    _shapes(project)
    project.dvc("freeze", "b")
    with open_repo() as repo:
        frozen = {stage.addressing: found for stage, found in draw(repo).items()}
    assert frozen["b"] == ()
    assert len(frozen["s"]) == 1


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(("s",)), "data.dvc a b s"),
        (Selection(("b",), downstream=True), "b s join again"),
        (Selection(("alone",), pipeline=True), "data.dvc a b s join alone again"),
        (Selection(all_pipelines=True), "data.dvc a b s join alone again"),
        (Selection(("join",), single_item=True), "join"),
    ],
)
def test_selections(project: Project, selection: Selection, expected: str) -> None:
    _shapes(project)
    planned = open_workspace(is_quiet=True).plan(selection)
    names = [stage.name for stage in planned]
    assert sorted(names) == sorted(expected.split())
    place = {stage.id: i for i, stage in enumerate(planned)}
    for stage in planned:
        assert all(place[need] < place[stage.id] for need in stage.needs if need in place)


def test_a_cycle_is_refused(project: Project) -> None:
    project.stages(
        a={"cmd": "true", "deps": ["c"], "outs": ["a"]},
        b={"cmd": "true", "deps": ["a"], "outs": ["b"]},
        c={"cmd": "true", "deps": ["b"], "outs": ["c"]},
    )
    with pytest.raises(InputError, match="in a ring: a, b, c"):
        open_workspace(is_quiet=True).plan(Selection())


def test_a_run_imports_no_networkx(project: Project) -> None:
    project.stages(a={"cmd": "echo 1 > a", "outs": ["a"]})
    program = "import sys; from amelio.cli import run; run(['repro']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "dvc.repo" in done.stdout.split()
    assert "networkx" not in done.stdout.split()
