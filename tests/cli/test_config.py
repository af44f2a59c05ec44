"""`amelio config core.jobs`: in `amelio.yaml`, where it hurts no `dvc`; the rest is DVC's."""

import subprocess
import sys
from pathlib import Path

import pytest

from amelio import cli
from tests.conftest import Run

TEXT = """\
# how we work
alerts:  # nobody at night
  urls:
    - "x"   # none yet
    - 'y'

core: {allow_unsafe_params: false}
"""


def test_set_show_and_unset(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    path = repository / "amelio.yaml"
    assert cli.run(["config", "core.jobs"]) == 2
    assert "core.jobs is not set" in capsys.readouterr().err
    assert cli.run(["config", "core.jobs", "3"]) == 0
    assert path.read_text() == "core:\n  jobs: 3\n"
    path.write_text(TEXT)
    (repository / "sub").mkdir()
    monkeypatch.chdir(repository / "sub")
    assert cli.run(["config", "core.jobs", "4"]) == 0
    assert path.read_text() == TEXT.replace("params: false}", "params: false, jobs: 4}")
    assert cli.run(["config", "core.jobs"]) == 0
    assert capsys.readouterr().out == "4\n"
    assert cli.run(["config", "--unset", "core.jobs"]) == 0
    assert path.read_text() == TEXT
    assert cli.run(["config", "--unset", "core.jobs"]) == 2
    assert "core.jobs is not set" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "many", "1.5", "²"])
def test_a_wrong_value_changes_nothing(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
) -> None:
    monkeypatch.chdir(repository)
    assert cli.run(["config", "core.jobs", value]) == 2
    assert "core.jobs: expected a whole number of at least 1" in capsys.readouterr().err
    assert not (repository / "amelio.yaml").exists()
    assert cli.run(["config", "--global", "core.jobs", "2"]) == 2
    assert "amelio.yaml" in capsys.readouterr().err


def test_every_other_setting_is_dvcs(amelio: Run, repository: Path) -> None:
    words = ["config", "core.autostage", "true"]
    assert amelio(*words, cwd=repository).returncode == 0
    assert "autostage = true" in (repository / ".dvc" / "config").read_text()
    for words in (["config", "-l"], ["config", "core.job"], ["config", "--nonsense"]):
        ours = amelio(*words, cwd=repository)
        argv = [sys.executable, "-m", "dvc", *words]
        theirs = subprocess.run(argv, cwd=repository, capture_output=True, text=True)
        assert (ours.returncode, ours.stdout, ours.stderr) == (
            theirs.returncode, theirs.stdout, theirs.stderr,
        )  # fmt: skip
