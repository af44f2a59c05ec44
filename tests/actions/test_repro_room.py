"""A cache that cannot be written to, a disk that is too full, and what is not ours to delete."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from amelio.errors import InputError
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def test_nothing_runs_when_the_cache_cannot_be_written_to(project: Project) -> None:
    project.write("in", "1")
    project.stages(a={"cmd": "echo >> ran; cat in > a", "deps": ["in"], "outs": ["a"]})
    project.repro()
    project.write("in", "2")
    project.dvc("config", "cache.dir", "/proc/cache")
    result = project.repro()
    assert result.exit_code == 4
    assert "the cache cannot be written to, so nothing was run" in result.run.stages[0].message
    assert project.read("a") == "1"
    assert project.read("ran") == "\n"
    assert project.outcomes(no_commit=True) == {"a": "ran"}


def test_nothing_runs_when_last_times_outputs_would_not_fit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("in", "1")
    project.stages(a={"cmd": "echo >> ran; yes | head -c 5000 > a", "deps": ["in"], "outs": ["a"]})
    project.repro()
    project.write("in", "2")
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4000))
    result = project.repro()
    assert result.exit_code == 4
    message = result.run.stages[0].message
    assert message.startswith("a made 5.0 kB last time, but ")
    assert "has 4.0 kB left, so it was not run" in message
    monkeypatch.setattr(shutil, "disk_usage", real)
    assert project.read("ran") == "\n"
    assert project.outcomes() == {"a": "ran"}


@pytest.mark.parametrize("is_failing", [False, True])
def test_nothing_outside_of_the_repository_is_deleted_or_moved(
    project: Project, tmp_path_factory: pytest.TempPathFactory, is_failing: bool
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "victim").write_text("keep")
    (outside / "folder" / "sub").mkdir(parents=True)
    (outside / "folder" / "sub" / "victim").write_text("keep")
    outs = [{str(outside / name): {"cache": False}} for name in ("victim", "folder")]
    command = "false" if is_failing else "true"
    project.stages(a={"cmd": f"test -s {outside}/victim && {command}", "outs": outs})
    for _ in range(2):
        result = project.repro(force=True)
        assert result.exit_code == int(is_failing)
        assert (outside / "victim").read_text() == "keep"
        assert (outside / "folder" / "sub" / "victim").read_text() == "keep"
    assert not list(result.folder.rglob("victim"))


def test_a_cached_output_outside_is_refused(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    victim = tmp_path_factory.mktemp("outside") / "victim"
    victim.write_text("keep")
    project.stages(a={"cmd": "true", "outs": [str(victim)]})
    with pytest.raises(
        InputError, match=r"^dvc\.yaml: a: outputs outside .*victim\n.*cache: false"
    ):
        project.repro()
    assert victim.read_text() == "keep"


def test_a_journal_from_elsewhere_moves_and_deletes_nothing(project: Project) -> None:
    from amelio.engine.journal import Entry, Journal

    victim = project.write("mine/victim", "keep")
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    project.repro()
    journal = Journal(project.root / ".dvc/tmp/amelio/journal")
    move = {"path": str(victim), "aside": str(victim), "existed": True, "copy": False}
    for folder in (victim.parent, Path("/nowhere")):
        started: dict[str, Any] = {
            "attempt": f"x/{folder.name}", "stage": "dvc.yaml:a", "folder": str(folder),
            "moves": [move], "inputs": {}, "precious": [], "signature": "",
        }  # fmt: skip
        journal.append(Entry.STARTED, **started)
    journal.close(["x/mine"], "recorded")
    project.repro(force=True)
    assert victim.read_text() == "keep"
