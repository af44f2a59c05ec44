"""The guide's project, and a shell to run its lines in."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.guide_project import copy_project

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def guide_project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the guide's project; workers of one run share the original."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return copy_project(shared, tmp_path / "project")


@pytest.fixture
def shell() -> Shell:
    """Run lines of a shell, in which `amelio` is this one: `shell("amelio dag", cwd=project)`."""
    programs = Path(sys.executable).parent

    def run(lines: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", lines],
            cwd=cwd,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=900,
        )

    return run
