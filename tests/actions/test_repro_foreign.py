"""Looking at somebody else's repository runs nothing of it, and changes nothing in it."""

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
