"""Outputs whose remote keeps versions (`version_aware`), which `dvc.lock` then names."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.conftest import Run
from tests.e2e.servers import s3

PIPELINE = """\
stages:
  tree:
    cmd: mkdir -p tree && cp in tree/same && cp other tree/other
    deps: [in, other]
    outs: [tree]
  file:
    cmd: cat tree/* > file
    deps: [tree]
    outs: [file]
  elsewhere:
    cmd: echo > elsewhere
    deps: [s3://versions/in.txt]
    outs: [elsewhere]
"""
REMOTE = """\
[core]
    remote = s
['remote "s"']
    url = s3://versions/store
    version_aware = true
"""


@pytest.fixture
def project(
    repository: Path,
    amelio: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """A pipeline that has run and been pushed to such a remote."""
    with s3(tmp_path_factory.mktemp("s3"), ["versions"]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        versioning = {"Status": "Enabled"}
        client = boto3.client("s3")
        client.put_bucket_versioning(Bucket="versions", VersioningConfiguration=versioning)
        client.put_object(Bucket="versions", Key="in.txt", Body=b"1")
        for name, text in (("dvc.yaml", PIPELINE), ("in", "1"), ("other", "2")):
            (repository / name).write_text(text)
        (repository / ".dvc/config").write_text(REMOTE)
        must(amelio, repository, "repro", "-q")
        must(amelio, repository, "push", "-q")
        for git in (["add", "."], ["commit", "-qm", "Run"]):
            subprocess.run(["git", *git], cwd=repository, check=True)
        yield repository


def must(amelio: Run, folder: Path, *words: str) -> str:
    """What a command prints that is to work."""
    done = amelio(*words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_versions_stay_in_the_lock_and_come_back_from_the_remote(
    project: Path, amelio: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lock = project / "dvc.lock"
    pushed = lock.read_text()
    assert pushed.count("version_id: ") == 5
    assert "up to date" in must(amelio, project, "repro", "--no-fast")
    assert lock.read_text() == pushed

    clone = tmp_path_factory.mktemp("clones") / "clone"
    subprocess.run(["git", "clone", "-q", str(project), str(clone)], check=True)
    must(amelio, clone, "repro", "--pull", "-q")
    assert (clone / "file").read_text() == "21"
    assert (clone / "dvc.lock").read_text() == pushed

    boto3.client("s3").put_object(Bucket="versions", Key="in.txt", Body=b"22")
    assert "data s3://versions/in.txt: " in must(amelio, project, "why", "elsewhere")
    twin = tmp_path_factory.mktemp("twins") / "twin"
    shutil.copytree(project, twin, symlinks=True)
    for folder, program in ((project, "amelio"), (twin, "dvc")):
        (folder / "other").write_text("3")
        words = [sys.executable, "-m", program, "repro", "-q"]
        subprocess.run(words, cwd=folder, check=True, env=os.environ)
    assert lock.read_text() == (twin / "dvc.lock").read_text() != pushed
