"""`requirements.txt` of a new project: amelio as it is installed, and what decides results."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from amelio.actions import requirements

REVISION = "0123456789abcdef0123456789abcdef01234567"


def installed_from(monkeypatch: pytest.MonkeyPatch, origin: dict[str, object] | None) -> None:
    """As if pip had noted `origin` (PEP 610) when it installed amelio."""
    noted = json.dumps(origin) if origin else None
    fake = SimpleNamespace(read_text=lambda _: noted)
    monkeypatch.setattr(requirements, "distribution", lambda _: fake)


def test_a_version_from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, None)
    assert requirements.amelio_requirement() == f"amelio[vision]=={version('amelio')}"


def test_a_url_with_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    vcs = {"vcs": "git", "commit_id": REVISION}
    installed_from(monkeypatch, {"url": "https://example.org/amelio", "vcs_info": vcs})
    expected = f"amelio[vision] @ git+https://example.org/amelio@{REVISION}"
    assert requirements.amelio_requirement() == expected


def test_a_checkout_with_its_commit_and_any_other_folder(
    monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    words = ["git", "commit", "--quiet", "--allow-empty", "--message", "x"]
    subprocess.run(words, cwd=repository, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.strip()
    installed_from(monkeypatch, {"url": repository.as_uri(), "dir_info": {"editable": True}})
    expected = f"amelio[vision] @ git+{repository.as_uri()}@{head}"
    assert requirements.amelio_requirement() == expected
    installed_from(monkeypatch, {"url": (repository / ".dvc").as_uri(), "dir_info": {}})
    assert requirements.amelio_requirement() == f"amelio[vision] @ {(repository / '.dvc').as_uri()}"


def test_what_decides_results_is_pinned() -> None:
    lines = requirements.requirements().splitlines()
    assert f"torch=={version('torch').partition('+')[0]}" in lines
    assert all("+" not in line for line in lines[1:])
