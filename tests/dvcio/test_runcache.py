"""The run cache, asked again and again about the same stage."""

import pytest

from amelio.dvcio.workspace import open_workspace
from amelio.model import Policy, Selection
from tests.actions.conftest import project  # noqa: F401
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own libraries


def test_asking_twice_takes_no_old_outputs_for_new_inputs(project: Project) -> None:  # noqa: F811
    """As experiments do: before and after they wait for another that may do the same work."""
    project.write("params.yaml", "rate: 1\n")
    project.stages(train={"cmd": "cp params.yaml model", "params": ["rate"], "outs": ["model"]})
    assert project.outcomes() == {"train": "ran"}
    project.write("params.yaml", "rate: 2\n")
    workspace = open_workspace(is_quiet=True)
    policy = Policy()
    with workspace.session():
        (stage,) = workspace.plan(Selection())
        workspace.claim(stage.id)
        assert not workspace.is_cached(stage.id, policy)
        workspace.prepare(stage.id, policy)
        assert not workspace.is_cached(stage.id, policy)
        workspace.release(stage.id)
        workspace.claim(stage.id)
        assert workspace.judge(stage.id, policy).reasons  # it is still to be run
        workspace.release(stage.id)
