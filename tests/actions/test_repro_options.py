"""Options of `dvc repro` with which amelio runs what DVC would."""

import json
from typing import Any

import pytest
from dvc.repo import Repo

from amelio import cli
from amelio.dvcio.workspace import open_workspace
from amelio.engine.settings import parse_stage
from amelio.model import Outcome, Selection
from tests.actions.engine_project import Project
from tests.dvcio.dvc_itself import dvc_itself

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def _by_dvc(**options: Any) -> set[str]:
    """What DVC would run."""
    with dvc_itself(), Repo() as repo:
        return {stage.addressing for stage in repo.reproduce(dry=True, **options)}


def _by_amelio(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    """What amelio runs."""
    capsys.readouterr()
    assert cli.run(["repro", "--json", *words]) == 0
    run = json.loads(capsys.readouterr().out.splitlines()[-1])
    return {s["name"] for s in run["stages"] if s["outcome"] in ("ran", "restored")}


@pytest.fixture
def many(project: Project) -> Project:
    """Stages in three folders, two of them named alike."""
    project.write("params.yaml", "lr: 1\n")
    project.stages(
        train={"cmd": "echo 1 > model", "params": ["lr"], "outs": ["model"]},
        try_it={"cmd": "cp model tried", "deps": ["model"], "outs": ["tried"]},
        tell={"cmd": "cp tried told", "deps": ["tried"], "outs": ["told"]},
        alone={"cmd": "echo > alone", "outs": ["alone"]},
    )
    for folder in ("part", "part/deep"):
        stages = {"train": {"cmd": "echo > made", "outs": ["made"]}}
        project.write(f"{folder}/dvc.yaml", json.dumps({"stages": stages}))
    return project


@pytest.mark.usefixtures("many")
def test_recursive(capsys: pytest.CaptureFixture[str]) -> None:
    expected = _by_dvc(targets=["part"], recursive=True)
    assert expected == {"part/dvc.yaml:train", "part/deep/dvc.yaml:train"}
    assert _by_amelio(capsys, "-R", "part") == expected


@pytest.mark.usefixtures("many")
def test_glob(capsys: pytest.CaptureFixture[str]) -> None:
    expected = _by_dvc(targets=["al*", "trai?"], glob=True)
    assert expected == {"alone", "train"}
    assert _by_amelio(capsys, "--glob", "al*", "trai?") == expected


def test_force_downstream(many: Project, capsys: pytest.CaptureFixture[str]) -> None:
    many.repro()
    many.write("params.yaml", "lr: 2\n")  # which makes the same model
    expected = _by_dvc(force_downstream=True)
    assert expected == {"train", "try_it", "tell"}
    foreseen = many.forecast(force_downstream=True).items()
    assert {name for name, found in foreseen if found.outcome is Outcome.RAN} == expected
    assert _by_amelio(capsys, "--force-downstream") == expected
    many.write("params.yaml", "lr: 3\n")
    assert _by_amelio(capsys) == {"train"}


def test_the_settings_of_a_group_have_its_items_filled_in(project: Project) -> None:
    settings = {
        "when": "params.use.${item.name}", "mutex": ["${item.name}"], "retries": "${item.n}"
    }  # fmt: skip
    each = {"cmd": "echo > ${item.name}", "outs": ["${item.name}"], "meta": {"amelio": settings}}
    items = [{"name": "x", "n": 1}, {"name": "y", "n": 2}]
    project.write("params.yaml", "use: {x: true, y: false}\n")
    project.stages(fit={"foreach": items, "do": each})
    planned = open_workspace(is_quiet=True).plan(Selection())
    found = [parse_stage(stage.settings, stage.name, stage.place) for stage in planned]
    assert sorted((s.mutex, s.retries) for s in found) == [(("x",), 1), (("y",), 2)]
    assert project.outcomes() == {"fit@0": "ran", "fit@1": "skipped"}
