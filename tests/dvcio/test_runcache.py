"""The run cache: asked again and again about the same stage, by many at once, in a group."""

import os
import shutil

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


def test_others_see_whole_entries_only(project: Project) -> None:  # noqa: F811
    """Two processes that use the run cache at once; DVC deleted what the other was writing."""
    project.write("params.yaml", "rate: 1\n")
    project.stages(train={"cmd": "cp params.yaml model", "params": ["rate"], "outs": ["model"]})
    assert project.outcomes() == {"train": "ran"}
    (entry,) = (project.root / ".dvc/cache/runs").glob("??/*/*")
    half_written = entry.with_name(".AbCd.tmp")
    half_written.write_text("cmd: 'cp par")
    (project.root / "model").unlink()
    assert project.outcomes() == {"train": "restored"}
    assert half_written.exists()  # its writer will want to rename it
    assert list((project.root / ".dvc/cache/files/md5").glob(".*")) == []


def test_a_process_killed_before_its_entry_stops_nobody(project: Project) -> None:  # noqa: F811
    project.write("params.yaml", "rate: 1\n")
    project.stages(train={"cmd": "cp params.yaml model", "params": ["rate"], "outs": ["model"]})
    assert project.outcomes() == {"train": "ran"}
    (entry,) = (project.root / ".dvc/cache/runs").glob("??/*/*")
    entry.unlink()
    (project.root / "model").unlink()
    (project.root / "dvc.lock").unlink()
    assert project.outcomes() == {"train": "ran"}
    assert entry.exists()


def test_the_newest_of_several_results_counts(project: Project) -> None:  # noqa: F811
    project.write("params.yaml", "rate: 1\n")
    command = 'python -c \'import time; open("model", "w").write(str(time.time()))\''
    project.stages(train={"cmd": command, "params": ["rate"], "outs": ["model"]})
    project.outcomes()
    project.repro(force=True)
    newest = (project.root / "model").read_text()
    assert len(list((project.root / ".dvc/cache/runs").glob("??/*/*"))) == 2
    (project.root / "model").unlink()
    (project.root / "dvc.lock").unlink()
    assert project.outcomes() == {"train": "restored"}
    assert (project.root / "model").read_text() == newest


def test_inputs_are_those_of_the_last_look(project: Project) -> None:  # noqa: F811
    project.write("in", "1")
    project.stages(train={"cmd": "cp in model", "deps": ["in"], "outs": ["model"]})
    workspace = open_workspace(is_quiet=True)
    policy = Policy()
    with workspace.session():
        (stage,) = workspace.plan(Selection())
        signatures = []
        for text in ("1", "22", "333"):
            project.write("in", text)
            assert not workspace.is_cached(stage.id, policy)
            signatures.append(workspace.prepare(stage.id, policy).signature)
            project.write("in", text + text)
            signatures.append(workspace.prepare(stage.id, policy).signature)
        assert len(set(signatures)) == 6
        project.write("in", "4")
        assert not workspace.is_cached(stage.id, policy)
        workspace.release(stage.id)
        project.write("in", "5")
        workspace.prepare(stage.id, policy)
        assert workspace.changed_inputs(stage.id, [str(project.root / "in")]) == []


def test_a_shared_cache_has_the_rights_that_dvc_gives(project: Project) -> None:  # noqa: F811
    project.dvc("config", "cache.shared", "group")
    project.write("params.yaml", "rate: 1\n")
    project.stages(train={"cmd": "cp params.yaml model", "params": ["rate"], "outs": ["model"]})
    cache = project.root / ".dvc/cache"

    def rights() -> dict[str, str]:
        found = {str(path): oct(path.stat().st_mode) for path in (cache, *cache.rglob("*"))}
        shutil.rmtree(cache)
        return found

    before = os.umask(0o077)
    try:
        assert project.outcomes() == {"train": "ran"}
        ours = rights()
        project.dvc("repro", "--force")
    finally:
        os.umask(before)
    assert ours == rights()
