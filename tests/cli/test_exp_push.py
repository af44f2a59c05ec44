"""`amelio exp push`: data that DVC does not send, without a word."""

from pathlib import Path

import pytest

from amelio import cli
from amelio.dvcio.arguments import PARSER_ERROR
from tests.experiments.many import add_experiments, git, make_base


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two experiments, a remote of Git and none of DVC."""
    root = tmp_path / "project"
    root.mkdir()
    make_base(root)
    add_experiments(root, 2)
    git(tmp_path, "init", "--quiet", "--bare", "remote")
    git(root, "remote", "add", "origin", str(tmp_path / "remote"))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("words", "named"), [(["exp-0002"], "exp-0002"), ([], "exp-0001, exp-0002")]
)
def test_it_warns_when_the_commit_has_no_dvc_remote(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert cli.run(["exp", "push", "origin", *words]) == 0
    assert len(git(project, "ls-remote", "origin").splitlines()) == named.count("exp-")
    warning = f"amelio: no data was sent of {named}: the experiment's own commit has no DVC remote"
    assert warning in capsys.readouterr().err
    assert cli.run(["exp", "push", "--no-cache", "origin", *words]) == 0
    assert "no data was sent" not in capsys.readouterr().err


def test_a_local_remote_is_one_for_all_commits(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["remote", "add", "--local", "--default", "store", str(project / "store")]) == 0
    assert cli.run(["exp", "push", "origin", "exp-0001"]) == 0
    assert "no data was sent" not in capsys.readouterr().err
    assert cli.run(["exp", "push"]) == PARSER_ERROR
