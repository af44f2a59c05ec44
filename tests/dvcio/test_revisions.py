"""Files of a revision: from Git, from DVC's cache, and from a remote that came later."""

import shutil
import subprocess
from pathlib import Path

import pytest

from amelio.dvcio.git.revisions import revision_files
from amelio.dvcio.project import commit_all
from amelio.errors import EnvironmentFailedError, InputError
from tests.conftest import Run


def test_files_of_a_revision_wherever_they_are(
    amelio: Run, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    remote, copied = place / "remote", place / "copied.bin"
    for number in (1, 2):
        (repository / "data.bin").write_text(f"data {number}")
        (repository / "params.yaml").write_text(f"n: {number}\n")
        assert amelio("add", "-q", "data.bin", cwd=repository).returncode == 0
        commit_all(repository, f"Version {number}")
        if number == 1:
            words = ("remote", "add", "-q", "-d", "r", str(remote))
            assert amelio(*words, cwd=repository).returncode == 0
            assert amelio("push", "-q", cwd=repository).returncode == 0

    with revision_files(repository, "HEAD~1") as files:
        head = ["git", "rev-parse", "HEAD~1"]
        commit = subprocess.run(head, cwd=repository, capture_output=True, text=True, check=True)
        assert files.commit == commit.stdout.strip()
        files.copy("data.bin", copied)
        assert copied.read_text() == "data 1"
        assert files.text("params.yaml") == "n: 1\n"
        assert files.text("nothing.yaml") is None
        with pytest.raises(InputError, match=r"has no file nothing\.bin"):
            files.copy("nothing.bin", copied)

    shutil.rmtree(repository / ".dvc/cache")
    copied.unlink()
    with revision_files(repository, "HEAD~1") as files:  # whose .dvc/config has no remote yet
        files.copy("data.bin", copied)
    assert copied.read_text() == "data 1"

    shutil.rmtree(remote)
    with (
        revision_files(repository, "HEAD~1") as files,
        pytest.raises(EnvironmentFailedError, match=r"data\.bin of HEAD~1 \("),
    ):
        files.copy("data.bin", copied)
    with pytest.raises(InputError, match="'nope'"), revision_files(repository, "nope"):
        pass
