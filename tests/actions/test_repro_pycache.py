"""Where Python keeps compiled modules of stages: not in a folder that DVC looks after."""

from pathlib import Path

import pytest

from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

USES = "import sys; sys.path.insert(0, sys.argv[1]); import helper; open(sys.argv[2], 'w')"


@pytest.fixture(autouse=True)
def _compiled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    project.write("use.py", USES)
    project.write("lib/helper.py", "")


def compiled(project: Project) -> set[Path]:
    """Folders of compiled modules in the workspace."""
    return {path.relative_to(project.root) for path in project.root.rglob("__pycache__")}


def test_not_in_a_dependency(project: Project) -> None:
    project.stages(
        a={"cmd": "python use.py lib a", "deps": ["lib"], "outs": ["a"]},
        b={"cmd": "python use.py lib b", "outs": ["b"]},
    )
    assert project.outcomes(jobs=2) == {"a": "ran", "b": "ran"}
    assert compiled(project) == set()
    assert project.is_clean()


def test_not_in_a_dependency_of_a_stage_that_does_not_run(project: Project) -> None:
    project.stages(
        a={"cmd": "echo > a", "deps": ["lib"], "outs": ["a"]},
        b={"cmd": "python use.py lib b", "outs": ["b"]},
    )
    project.repro("a")
    assert project.outcomes("b") == {"b": "ran"}
    assert compiled(project) == set()
    assert project.is_clean()


@pytest.mark.parametrize("before", [[], ["made/note.txt"]])
def test_not_in_a_folder_that_a_stage_has_made(project: Project, before: list[str]) -> None:
    for file in before:
        project.write(file, "")
    project.stages(
        a={"cmd": "mkdir -p made; echo > made/helper.py", "outs": ["made"]},
        b={"cmd": "python use.py made b", "deps": ["made"], "outs": ["b"]},
    )
    assert project.outcomes() == {"a": "ran", "b": "ran"}
    assert compiled(project) == set()
    assert project.is_clean()


def test_elsewhere_what_is_compiled_already_is_used(project: Project) -> None:
    project.write("data/x", "1")
    tell = "import os; open('b', 'w').write(os.environ.get('PYTHONPYCACHEPREFIX', 'none'))"
    project.write("tell.py", tell)
    project.stages(b={"cmd": "python tell.py", "deps": ["data", "tell.py"], "outs": ["b"]})
    project.repro()
    assert project.read("b") == "none"
    project.write("data/deep/helper.py", "")
    project.repro()
    assert project.read("b") == str(project.root / ".dvc/tmp/amelio/pycache")
