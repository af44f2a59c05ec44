"""Fixtures for runs of the engine."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.actions.engine_project import Project
from tests.actions.experiment_lab import PIPELINE, Lab
from tests.actions.perf_project import build, copied


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty repository as the working directory."""
    monkeypatch.chdir(repository)
    return Project(repository)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit, made once."""
    root = tmp_path_factory.mktemp("template")
    for words in (["init", "-q"], ["config", "user.name", "Ada"], ["config", "user.email", "a@b"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dvc", "init", "-q"], cwd=root, check=True
    )
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text("lr: 1\nsize: 10\nseconds: 0\n")
    (root / "source.txt").write_text("source\n")
    (root / "notes.txt").write_text("notes\n")
    (root / ".gitignore").write_text("/prepared.txt\n/model.txt\n")
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", "first"], cwd=root, check=True)
    return root


@pytest.fixture
def lab(template: Path, tmp_path: Path) -> Lab:
    """A copy of it, with changes that are staged and changes that are not."""
    root = tmp_path / "lab"
    shutil.copytree(template, root, symlinks=True)
    (root / "source.txt").write_text("source, edited\n")
    (root / "staged.txt").write_text("staged\n")
    found = Lab(root, tmp_path / "trace")
    found.git("add", "staged.txt")
    found.git("status")  # so that Git has refreshed its index once
    return found


@pytest.fixture(scope="session")
def reproducible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pipeline without a fault, that has run; not to be changed."""
    root = tmp_path_factory.mktemp("perf") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / "site"))
        patch.chdir(root)
        build(root)
    return root


@pytest.fixture
def clean(reproducible: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it as the working directory."""
    project = copied(reproducible, tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project
