"""`amelio health`: links, disks, remotes that answer, refuse, are dead or slow, secrets."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from amelio.actions.health import examine
from amelio.dvcio.repository import foreign_database
from amelio.dvcio.workspace import open_workspace
from amelio.insight.health import HealthFinding, Level, worst
from tests.actions.engine_project import Project
from tests.actions.experiment_lab import until

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server with the bucket `data`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    import urllib.request

    urllib.request.urlopen(
        urllib.request.Request(f"http://{host}:{port}/data", method="PUT"), timeout=10
    ).close()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def silent_server() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for each in held:
            each.close()


def _remote(project: Project, url: str, endpoint: str = "") -> None:
    lines = ["[core]", "    remote = far", "['remote \"far\"']", f"    url = {url}"]
    lines += [f"    endpointurl = {endpoint}"] if endpoint else []
    project.write(".dvc/config", "\n".join(lines) + "\n")


def _keys(project: Project) -> None:
    text = f"['remote \"far\"']\n    access_key_id = AKIA\n    secret_access_key = {SECRET}\n"
    project.write(".dvc/config.local", text)


def _found(topic: str, timeout_s: float = 30.0) -> HealthFinding:
    findings = examine(open_workspace(is_quiet=True), timeout_s)
    return next(each for each in findings if each.topic == topic)


def test_a_remote_that_answers_is_read_and_written_and_left_empty(
    project: Project, s3: str
) -> None:
    import boto3

    _remote(project, "s3://data/store", s3)
    _keys(project)
    found = _found("remote far")
    assert found.level is Level.FINE, found
    assert "read " in found.text
    assert "written " in found.text
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    listed = boto3.client("s3", endpoint_url=s3, **keys).list_objects_v2(Bucket="data")
    assert listed["KeyCount"] == 0


def test_a_bucket_that_is_not_there_is_told(project: Project, s3: str) -> None:
    _remote(project, "s3://nowhere/store", s3)
    _keys(project)
    found = _found("remote far")
    assert found.level is Level.BROKEN
    assert "bucket" in found.text
    assert "amelio remote modify far url" in found.fix
    assert SECRET not in found.text


def test_a_remote_without_credentials_is_refused(project: Project, s3: str) -> None:
    _remote(project, "s3://data/store", s3)
    found = _found("remote far")
    assert found.level is Level.BROKEN
    assert "amelio remote modify --local far" in found.fix


def test_a_dead_server_is_told(project: Project) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    _remote(project, "s3://data/store", address)
    _keys(project)
    found = _found("remote far", 60.0)
    assert found.level is Level.BROKEN
    assert "address" in found.fix


def test_a_silent_server_is_given_up_on(project: Project) -> None:
    with silent_server() as address:
        _remote(project, "s3://data/store", address)
        _keys(project)
        found = _found("remote far", 4.0)
    assert found.level is Level.BROKEN
    assert "no answer within 4 s" in found.text


def test_a_folder_is_a_remote_also_before_the_first_push(project: Project, tmp_path: Path) -> None:
    _remote(project, str(tmp_path / "store"))
    assert _found("remote far").level is Level.FINE
    assert not (tmp_path / "store").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".amelio")] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_can_be_read_only(project: Project, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir(mode=0o555)
    _remote(project, str(store))
    found = _found("remote far")
    assert found.level is Level.BROKEN
    assert "can be read, but not written" in found.text


def test_links_are_measured_and_the_better_one_named(project: Project) -> None:
    found = _found("links")
    assert "copy" in found.text
    assert "ms" in found.text
    if found.level is Level.ADVICE:
        assert found.fix.startswith("amelio config cache.type ")
    project.write(".dvc/config", "[cache]\n    type = symlink\n")
    assert _found("links").level is Level.FINE
    left = list((project.root / ".dvc").rglob(".amelio-links-*"))
    assert left == []


def test_a_shared_cache_without_rights_for_its_group_is_told(
    project: Project, tmp_path: Path
) -> None:
    cache = tmp_path.parent / f"{tmp_path.name}-cache"
    (cache / "files" / "md5").mkdir(parents=True)
    cache.chmod(0o755)
    project.write(".dvc/config", f"[cache]\n    dir = {cache}\n    shared = group\n")
    found = _found("shared cache")
    assert found.level is Level.ADVICE
    assert "755" in found.text
    assert f"chmod -R g+rwX {cache}" in found.fix
    cache.chmod(0o2775)
    assert _found("shared cache").level is Level.FINE


def test_a_cache_that_cannot_be_made_is_broken(project: Project) -> None:
    project.write(".dvc/config", "[cache]\n    dir = /proc/nowhere\n")
    found = _found("cache")
    assert found.level is Level.BROKEN
    assert "cannot be written" in found.text


def _commit(project: Project, message: str = "Step") -> None:
    for words in (["add", "--all"], ["commit", "--quiet", "--message", message]):
        subprocess.run(["git", *words], cwd=project.root, check=True)


def test_a_committed_credential_is_broken_and_stays_known(project: Project) -> None:
    _commit(project)
    assert _found("secrets").level is Level.FINE
    text = f"['remote \"far\"']\n    url = s3://data\n    secret_access_key = {SECRET}\n"
    project.write(".dvc/config", text)
    _commit(project)
    found = _found("secrets", 2.0)
    assert found.level is Level.BROKEN
    assert "secret_access_key of the remote far" in found.text
    assert "--unset far secret_access_key" in found.fix
    assert SECRET not in found.text + found.fix
    project.write(".dvc/config", "['remote \"far\"']\n    url = s3://data\n")
    _commit(project)
    found = _found("secrets", 2.0)
    assert found.level is Level.ADVICE
    assert "whoever has the history has it" in found.text


def test_tracked_local_settings_are_broken(project: Project) -> None:
    _remote(project, "s3://data/store")
    _keys(project)
    subprocess.run(["git", "add", "--force", ".dvc/config.local"], cwd=project.root, check=True)
    assert "git rm --cached .dvc/config.local" in _found("secrets", 0.5).fix


def test_a_repository_without_a_commit_or_remote_is_only_advised(project: Project) -> None:
    findings = examine(open_workspace(is_quiet=True), 5.0)
    assert worst(findings) is Level.ADVICE
    assert _found("versions").fix == "git add . && git commit"
    assert "amelio remote add -d" in _found("remote").fix
    assert (project.root / ".dvc").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("whose", [".", "hashes/local/cache.db", "links"])
def test_databases_of_another_user_are_told(whose: str, caplog: pytest.LogCaptureFixture) -> None:
    place = Path(open_workspace(is_quiet=True).repo.site_cache_dir)
    assert caplog.text == ""
    os.chown(place / whose, 12345, -1)
    found = _found("databases")
    assert found.level is Level.BROKEN
    assert str(place) in found.text
    assert f"DVC's databases in {place} belong to another user" in caplog.text


def test_databases_are_looked_at_while_their_journals_come_and_go(project: Project) -> None:
    with open_workspace(is_quiet=True).repo as repo:
        journal = Path(repo.site_cache_dir, "journal")
        program = "while True: open(JOURNAL, 'w').close(); os.unlink(JOURNAL)"
        words = [sys.executable, "-c", f"import os; JOURNAL = {str(journal)!r}\n{program}"]
        with subprocess.Popen(words, cwd=project.root) as other:
            try:
                until(journal.exists)
                assert {foreign_database(repo) for _ in range(5000)} == {None}
            finally:
                other.kill()
