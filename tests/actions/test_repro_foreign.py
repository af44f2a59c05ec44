"""Looking at somebody else's repository runs nothing of it, and changes nothing in it."""

import shutil
from pathlib import Path

import pytest

from amelio import cli
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

STAGES = """\
vars: [{word: hello}]
stages:
  a:
    cmd: touch CANARY
    deps: [in]
    params: [conf.py: [rate], params.yaml: [lr]]
    outs: [out]
    meta:
      amelio: {when: probe.x > 1 or changed.data, probe: touch CANARY}
  b:
    foreach: [x, y]
    do:
      cmd: touch CANARY $(touch CANARY)
      deps: [in]
      outs: ["${item}"]
"""


def _state(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in files
        if ".dvc/tmp" not in str(path)
    }


@pytest.mark.parametrize("words", [["repro", "--dry"], ["why", "a"], ["why", "b@x"], ["logs", "a"]])
def test_only_looking_runs_nothing(
    project: Project, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("in", "1")
    project.write("params.yaml", "lr: 1\n")
    project.write("conf.py", "open('CANARY', 'w')\nrate = 1\n")
    project.write("dvc.yaml", STAGES)
    before = _state(project.root)
    cli.run(words)
    told = capsys.readouterr()
    assert "a bug of ours" not in told.err
    assert _state(project.root) == before
    assert not (project.root / "CANARY").exists()


def test_missing_data_is_pulled(project: Project) -> None:
    project.write("data", "data")
    project.dvc("add", "--quiet", "data")
    project.stages(
        a={"cmd": "echo >> ran; cp data a", "deps": ["data"], "outs": ["a"]},
        b={"cmd": "echo >> ran; cp a b", "deps": ["a"], "outs": ["b"]},
    )
    assert project.outcomes()["b"] == "ran"
    project.dvc("remote", "add", "--quiet", "--default", "store", str(project.root / "store"))
    project.dvc("push", "--quiet")
    shutil.rmtree(project.root / ".dvc" / "cache")
    for name in ("data", "a", "b"):
        (project.root / name).unlink()
    assert project.outcomes(pull=True) == {"data.dvc": "pulled", "a": "pulled", "b": "pulled"}
    assert project.read("b") == "data"
    assert project.read("ran") == "\n\n"
