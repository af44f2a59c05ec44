"""Metrics files of the workspace, of commits and of experiments; in Git or in DVC's cache."""

import shutil
import subprocess
from pathlib import Path

import pytest

from amelio.dvcio.figures.metrics import ProjectMetrics
from amelio.errors import InputError
from amelio.expressions import NoValueError
from tests.conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value")  # DVC's use of pygtrie

PIPELINE = """stages:
  score:
    cmd: mkdir -p out && cp params.yaml out/git.yaml && cp params.yaml out/cached.yaml
    params: [lr]
    metrics:
      - out/git.yaml: {cache: false}
      - out/cached.yaml
metrics:
  - top.json
"""


@pytest.fixture
def project(repository: Path, amelio: Run) -> Path:
    """Two commits: lr 0.1, tagged v1, and lr 0.2; and an experiment with lr 0.3."""
    (repository / "dvc.yaml").write_text(PIPELINE)
    for lr in ("0.1", "0.2"):
        (repository / "params.yaml").write_text(f"lr: {lr}\n")
        assert amelio("repro", "-q", cwd=repository).returncode == 0
        subprocess.run(["git", "add", "."], cwd=repository, check=True)
        subprocess.run(["git", "commit", "-qm", lr], cwd=repository, check=True)
        subprocess.run(["git", "tag", f"v{lr}"], cwd=repository, check=True)
    dvc = ["exp", "run", "-q", "-n", "brave-bee", "-S", "lr=0.3"]
    done = amelio(*dvc, cwd=repository)
    assert done.returncode == 0, done.stderr
    return repository


def test_every_revision_is_read_from_git_and_from_the_cache(project: Path) -> None:
    metrics = ProjectMetrics(project)
    for revision, lr in (("v0.1", "0.1"), ("HEAD", "0.2"), ("HEAD~1", "0.1"), ("brave-bee", "0.3")):
        for path in ("out/git.yaml", "out/cached.yaml"):
            assert metrics.text(path, revision) == f"lr: {lr}\n"
    assert metrics.text("out/git.yaml", None) == "lr: 0.3\n"
    assert metrics.text("out/absent.yaml", None) is metrics.text("out/absent.yaml", "HEAD") is None
    assert metrics.declared() == ["out/cached.yaml", "out/git.yaml", "top.json"]
    assert metrics.path_of("top") == "top.json"
    with pytest.raises(NoValueError, match=r"no metrics file of dvc\.yaml is called tip"):
        metrics.path_of("tip")
    for wrong in ("nope", "--help", "bee", "brave-be"):
        with pytest.raises(InputError, match="no commit, branch, tag, experiment has the name"):
            metrics.text("out/git.yaml", wrong)
    shutil.rmtree(project / ".dvc" / "cache")
    with pytest.raises(NoValueError, match=r"`dvc fetch --all-commits` may help"):
        metrics.text("out/cached.yaml", "HEAD")
    with pytest.raises(NoValueError, match="out is not readable"):
        metrics.text("out", None)


def test_before_the_first_commit_head_has_no_metrics(repository: Path) -> None:
    assert ProjectMetrics(repository).text("m.json", "HEAD") is None
    with pytest.raises(InputError):
        ProjectMetrics(repository).text("m.json", "v1")


def test_a_metric_whose_remote_came_later_than_its_commit_is_found(
    project: Path, amelio: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    remote = tmp_path_factory.mktemp("remote")
    assert amelio("remote", "add", "-q", "-d", "r", str(remote), cwd=project).returncode == 0
    shutil.move(project / ".dvc" / "cache" / "files", remote / "files")
    assert ProjectMetrics(project).text("out/cached.yaml", "v0.1") == "lr: 0.1\n"
    assert ProjectMetrics(project / "out").text("cached.yaml", "v0.2") == "lr: 0.2\n"


def test_a_metric_that_the_workspace_lacks_is_read_from_the_cache_where_it_may_be(
    project: Path,
) -> None:
    for name in ("git.yaml", "cached.yaml"):
        (project / "out" / name).unlink()
    reading = ProjectMetrics(project, reads_cache=True)
    assert reading.text("out/cached.yaml", None) == "lr: 0.3\n"
    assert reading.text("out/git.yaml", None) is None  # DVC never had it
    assert reading.text("top.json", None) is None
    assert ProjectMetrics(project).text("out/cached.yaml", None) is None
    shutil.rmtree(project / ".dvc" / "cache")
    with pytest.raises(NoValueError, match=r"cached\.yaml is neither here nor in DVC's cache"):
        reading.text("out/cached.yaml", None)
