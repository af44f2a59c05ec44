"""A full disk is told with its place and room, and leaves nothing half done."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amelio import atomic, disk
from amelio.cli.top import guarded
from amelio.dvcio.run.outputs import sweep
from tests.actions.conftest import project
from tests.actions.engine_project import Project
from tests.tools import skip_without

__all__ = ["project"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def test_half_copied_files_go_by_their_time(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    paths = [tmp_path / ".old.tmp", tmp_path / "ab/.old.tmp", tmp_path / "ab/.new.tmp"]
    objects = [tmp_path / "ab/0123", tmp_path / "ab/0123.dir"]
    for path in [*paths, *objects]:
        path.write_text("x")
        os.utime(path, (1, 1))
    os.utime(paths[2])
    sweep(str(tmp_path), lambda changed: changed < time.time() - 60)
    assert [path.exists() for path in [*paths, *objects]] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/no/such/file"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_nobodys_bug(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> int:
        raise error

    assert guarded([], fail) == 4
    told = capsys.readouterr().err
    assert "the disk of /" in told
    assert " left)" in told


def test_what_may_not_be_written_is_nobodys_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/root/project")

    assert guarded([], fail) == 4
    assert capsys.readouterr().err == "amelio: /root/project: Permission denied\n"


def test_other_errors_are_told_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError) as caught:
        (tmp_path / "file/x").write_text("")
    assert disk.told(caught.value) == f"{tmp_path}/file/x: Not a directory"


def test_a_write_without_room_names_its_file() -> None:
    with pytest.raises(OSError, match="/dev/shm/x") as caught, atomic.replacing(Path("/dev/shm/x")):
        Path("/dev/full").write_text("x")
    assert caught.value.errno == errno.ENOSPC
    assert not Path("/dev/shm/x").exists()


def test_what_the_cache_does_not_take_is_told_and_recorded_later(project: Project) -> None:
    if not shutil.which("strace"):
        skip_without("strace", "it makes the disk full")
    project.stages(a={"cmd": "echo >> ran; yes | head -c 100000 > a", "outs": ["a"]})
    calls = "sendfile,copy_file_range"
    fault = ["-e", f"trace={calls}", "-e", f"inject={calls}:error=ENOSPC"]
    done = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", *fault, sys.executable, "-m", "amelio", "repro"],
        cwd=project.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "a could not be copied into the cache (No space left on device): " in done.stdout
    assert "it needs 100.0 kB, the disk of " in done.stdout
    cache = project.root / ".dvc/cache/files/md5"
    assert not list(cache.rglob("*.tmp"))
    assert project.outcomes() == {"a": "ran"}
    assert project.read("ran") == "\n"
    assert project.is_clean()
