"""A stage that writes where it has no business is caught before anything uses what it did."""

import hashlib
import os
from pathlib import Path

import pytest

from amelio.model import OnError
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def _wrong_objects(root: Path) -> list[str]:
    """Objects of the cache that are not what their name says."""
    cache = root / ".dvc" / "cache" / "files" / "md5"
    return [
        str(path)
        for path in cache.rglob("*")
        if path.is_file()
        and hashlib.md5(path.read_bytes()).hexdigest()
        != (path.parent.name + path.name).removesuffix(".dir")
    ]


@pytest.fixture(params=["copy", "hardlink", "symlink"])
def linked(project: Project, request: pytest.FixtureRequest) -> Project:
    """A pipeline that has run, with its outputs linked to the cache in each of DVC's ways."""
    project.dvc("config", "cache.type", request.param)
    project.write("in", "1")
    project.write("data", "data")
    project.dvc("add", "--quiet", "data")
    project.stages(
        owner={
            "cmd": "mkdir d; cp in d/x; (cat in; echo) > o",
            "deps": ["in"],
            "outs": ["d", "o"],
        },
        writer={"cmd": "cat in data > w", "deps": ["in", "data"], "outs": ["w"]},
        user={"cmd": "cat d/x w > u", "deps": ["d", "w"], "outs": ["u"]},
    )
    assert set(project.outcomes().values()) <= {"ran", "up to date"}
    return project


@pytest.mark.parametrize("target", ["o", "d/x", "d/new"])
def test_a_write_into_another_stages_output(linked: Project, target: str) -> None:
    if os.geteuid() and target != "d/new":
        pytest.skip("links are write-protected for all but root")
    lock = linked.read("dvc.lock")
    text = linked.read("dvc.yaml").replace("data > w", f"data > w; echo bad >> {target}")
    linked.write("dvc.yaml", text)
    result = linked.repro(on_error=OnError.KEEP_GOING)
    found = {stage.name: stage for stage in result.run.stages}
    assert result.exit_code == 1
    assert [found[name].outcome for name in ("writer", "user")] == ["failed", "not reached"]
    changed = "d" if target.startswith("d") else "o"
    assert f"{changed}, an output of owner, was changed while it ran" in found["writer"].message
    assert linked.read("dvc.lock") == lock
    assert linked.read("w") == "1data"
    assert not _wrong_objects(linked.root)
    linked.write("dvc.yaml", text.replace(f"; echo bad >> {target}", " "))
    assert linked.outcomes()["owner"] in ("ran", "restored")
    assert linked.read("o") == "1\n"
    assert [path.name for path in (linked.root / "d").iterdir()] == ["x"]
    assert linked.read("d/x") == "1"
    assert linked.is_clean()


@pytest.mark.parametrize(("stage", "target"), [("user", "d/x"), ("writer", "data")])
def test_a_write_into_an_own_dependency_does_not_reach_the_cache(
    linked: Project, stage: str, target: str
) -> None:
    text = linked.read("dvc.yaml")
    command = {"user": "cat d/x w > u", "writer": "cat in data > w"}[stage]
    linked.write("dvc.yaml", text.replace(command, f"{command}; echo bad >> {target}"))
    result = linked.repro(stage)
    assert result.exit_code == 1
    assert " changed while it ran" in result.run.stages[-1].message
    assert "so its result is not recorded" in result.run.stages[-1].message
    assert not _wrong_objects(linked.root)
    linked.write("dvc.yaml", text)
    linked.write("data", "data")
    assert set(linked.outcomes().values()) <= {"ran", "restored", "up to date"}
    assert linked.is_clean()


def test_with_several_at_once_every_suspect_is_named(project: Project) -> None:
    project.stages(
        owner={"cmd": "echo > o", "outs": ["o"]},
        other={"cmd": "sleep 1.5; echo > x", "outs": ["x"]},
        writer={"cmd": "sleep 1; echo bad > o; echo > w", "outs": ["w"]},
        user={"cmd": "cat o x > u", "deps": ["o", "x"], "outs": ["u"]},
    )
    result = project.repro(jobs=3)
    found = {stage.name: stage for stage in result.run.stages}
    assert found["owner"].outcome == "ran"
    assert [found[name].outcome for name in ("writer", "other")] == ["failed", "failed"]
    assert "while it ran (and other: `--jobs 1` tells which)" in found["writer"].message
    assert found["user"].outcome == "not reached"
    assert "writer" not in project.read("dvc.lock")


def test_a_needed_output_that_was_changed_is_not_used(project: Project) -> None:
    project.stages(
        owner={"cmd": "echo > o", "outs": ["o"]},
        writer={"cmd": "sleep 0.5; echo bad > o; sleep 2; echo > w", "outs": ["w"]},
        gate={"cmd": "sleep 1; echo > g", "outs": ["g"]},
        user={"cmd": "cat o g > u", "deps": ["o", "g"], "outs": ["u"]},
    )
    result = project.repro(jobs=3, on_error=OnError.KEEP_GOING)
    found = {stage.name: stage for stage in result.run.stages}
    assert found["user"].outcome in ("failed", "not reached")
    assert found["writer"].outcome == "failed"
    assert not (project.root / "u").exists()
    assert "user" not in project.read("dvc.lock")


def test_what_changes_no_content_is_no_trespass(project: Project) -> None:
    project.stages(
        owner={"cmd": "echo > o", "outs": ["o"]},
        toucher={"cmd": "touch o; mkdir -p later; echo > t", "deps": ["o"], "outs": ["t"]},
        later={"cmd": "mkdir -p later; echo > later/x", "deps": ["t"], "outs": ["later"]},
    )
    assert set(project.outcomes().values()) == {"ran"}
    assert project.is_clean()
