"""What every test stands on: no user settings leak in, and a way to run the real programs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import hear_signals

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure() -> None:
    """Before any test, and before PyTorch: threads that wait for each other slow down all tests."""
    os.environ["OMP_NUM_THREADS"] = "1"
    hear_signals()


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No Git identity, no user's DVC settings, no telemetry, no active environment."""
    home = tmp_path_factory.mktemp("home")
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "AMELIO_FAULT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def amelio() -> Run:
    """Run the real command line in a process of its own: `amelio("new", cwd=tmp_path)`."""

    def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "amelio", *words],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied: each `dvc init` takes as long as many a test."""
    root = tmp_path_factory.mktemp("empty")
    for words in (
        ["git", "init", "--quiet"],
        ["git", "config", "user.name", "Ada"],
        ["git", "config", "user.email", "ada@example.org"],
        [sys.executable, "-m", "dvc", "init", "--quiet"],
    ):
        subprocess.run(words, cwd=root, check=True)
    return root


@pytest.fixture
def repository(empty_repository: Path, tmp_path: Path) -> Path:
    """An empty Git and DVC repository with an identity of its own."""
    return Path(shutil.copytree(empty_repository, tmp_path, symlinks=True, dirs_exist_ok=True))
