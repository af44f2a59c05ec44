"""Pipelines with the shapes of public ones: the same with `dvc repro` and with amelio."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from amelio.actions.repro import ReproOptions, repro
from amelio.dvcio.workspace import open_workspace
from amelio.model import Policy, Selection
from tests.dvcio.dvc_itself import dvc_itself

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

FILES = Path(__file__).parent / "shapes"


def _make(root: Path) -> Path:
    shutil.copytree(FILES, root)
    (root.parent / "shared.txt").write_text("shared\n")  # outside of the repository
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    os.chdir(root)
    with Repo.init() as repo:
        repo.add("data/raw.txt")
        repo.imp_url("outside/ext.txt", out="imported.txt")
        repo.imp(str(_library(root.parent)), "words.txt", "words.txt")
    return root


def _library(folder: Path) -> Path:
    """Another Git repository, from which a file is imported."""
    root = folder / "library"
    if not root.exists():
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
        (root / "words.txt").write_text("words\n")
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        for words in (["add", "."], [*who, "commit", "--quiet", "-m", "Words"]):
            subprocess.run(["git", *words], cwd=root, check=True)
    return root


def _state(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        name = path.name
        if ".git" in path.parts or not path.is_file():
            continue
        inside = path.relative_to(root).parts
        if inside[0] == ".dvc" and inside[1:2] != ("cache",):
            continue
        is_text = name in ("dvc.lock", ".gitignore") or name.endswith((".dvc", ".txt", ".json"))
        found[str(path.relative_to(root))] = path.read_text() if is_text else None
    return found


def _edit(root: Path, step: int) -> None:
    if step == 1:
        (root / "data/raw.txt").write_text("raw 2\n")
        (root / "outside/ext.txt").write_text("external 2\n")
    elif step == 2:
        text = (root / "params.yaml").read_text()
        (root / "params.yaml").write_text(
            text.replace("1e-05", "0.5").replace("[cnn, svm]", "[cnn, svm, knn]")
        )
    elif step == 3:
        (root / "all.txt").unlink()
        (root / "conf/opt.toml").write_text("[train]\nepochs = 5\n")


@pytest.mark.parametrize("jobs", [1, 4])
def test_the_same_after_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.chdir(tmp_path)
    theirs, ours = _make(tmp_path / "theirs"), _make(tmp_path / "ours")
    for step in range(4):
        for root in (theirs, ours):
            _edit(root, step)
        os.chdir(theirs)
        with dvc_itself(), Repo() as repo:
            expected = {stage.addressing for stage in repo.reproduce(all_pipelines=True)}
        os.chdir(ours)
        workspace = open_workspace(is_quiet=True)
        options = ReproOptions(Selection(all_pipelines=True), Policy(), jobs)
        result = repro(workspace, options)
        workspace.repo.close()
        assert result.exit_code == 0, [s for s in result.run.stages if s.message]
        ran = {s.name for s in result.run.stages if s.outcome in ("ran", "restored")}
        assert ran == expected
        assert _state(ours) == _state(theirs)
