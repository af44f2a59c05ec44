"""Fixtures for runs of the engine."""

from pathlib import Path

import pytest

from tests.actions.engine_project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty repository as the working directory."""
    import subprocess

    from dvc.repo import Repo

    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        subprocess.run(["git", "config", key, value], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    Repo.init().close()
    return Project(tmp_path)
