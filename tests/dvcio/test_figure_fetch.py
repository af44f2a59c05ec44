"""Metrics and plots that only a remote has: fetched, or said why not, within a time limit."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from amelio.actions.check import check_quality
from amelio.dvcio.figures.fetch import fetch_figures
from amelio.quality.verdicts import Status
from tests.conftest import Run

PIPELINE = """stages:
  score:
    cmd: echo '{"a":1}' > m.json; printf 'x,y\\n1,2\\n' > p.csv; mkdir d; cp m.json d; seq 9 > big
    outs: [d, big]
    metrics: [m.json]
    plots: [p.csv]
metrics: [d/m.json]
"""
RULES = "quality: {rules: {fit: {metric: 'm.json:a', alert_below: 0.5}}}"


pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value")  # DVC's use of pygtrie


@pytest.fixture
def pushed(repository: Path, amelio: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed pipeline whose outputs are in a remote, and nowhere else."""
    remote = tmp_path_factory.mktemp("remote")
    (repository / "dvc.yaml").write_text(PIPELINE)
    for words in (("repro", "-q"), ("remote", "add", "-d", "r", str(remote)), ("push", "-q")):
        assert amelio(*words, cwd=repository).returncode == 0
    for git in (["add", "."], ["commit", "-qm", "Score"]):
        subprocess.run(["git", *git], cwd=repository, check=True)
    return repository


def forget(project: Path) -> None:
    shutil.rmtree(project / ".dvc/cache/files")
    for name in ("m.json", "p.csv", "big", "d"):
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def n_cached(project: Path) -> int:
    return len(list(project.glob(".dvc/cache/files/md5/??/*")))


def test_only_figures_are_fetched_and_only_once(pushed: Path) -> None:
    assert fetch_figures(pushed, ["HEAD"]) == ""  # nothing is missing: nobody is asked
    forget(pushed)
    assert fetch_figures(pushed, ["HEAD"]) == ""
    assert n_cached(pushed) == 3  # m.json, which is also in d; p.csv; the list of d
    assert not (pushed / "m.json").exists()


def test_a_check_fetches_what_it_judges_and_the_workspace_lacks(pushed: Path) -> None:
    (pushed / "amelio.yaml").write_text(RULES)
    forget(pushed)
    (pushed / "m.json").write_text('{"a": 0.1}')
    assert check_quality(pushed).stops
    assert n_cached(pushed) == 0  # it is here: nobody was asked, not even for the plots
    (pushed / "m.json").unlink()
    [verdict] = check_quality(pushed).verdicts
    assert (verdict.status, verdict.value) == (Status.OK, 1)
    assert not (pushed / "m.json").exists()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/store"


def test_a_remote_that_never_answers(pushed: Path, silent: str, amelio: Run) -> None:
    assert amelio("remote", "modify", "r", "url", silent, cwd=pushed).returncode == 0
    assert fetch_figures(pushed, timeout_s=60) == ""  # nothing is missing
    forget(pushed)
    told = fetch_figures(pushed, timeout_s=3)
    assert told.startswith("the remote does not give ")
    assert told.endswith(": no answer within 3 s")
    assert "big" not in told


@pytest.mark.parametrize("scheme", ["ssh://me@", "http://"])
def test_a_remote_that_refuses(pushed: Path, amelio: Run, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"{scheme}127.0.0.1:{port}/store"
    assert amelio("remote", "modify", "r", "url", url, cwd=pushed).returncode == 0
    forget(pushed)
    assert "Connect call failed" in fetch_figures(pushed)


def test_a_remote_that_answers_and_lacks_them_is_no_failure(pushed: Path, amelio: Run) -> None:
    assert amelio("remote", "modify", "r", "url", "/nowhere", cwd=pushed).returncode == 0
    forget(pushed)
    assert fetch_figures(pushed) == ""
