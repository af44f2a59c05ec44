"""How a command is started, and how outputs look after it: links, modes, what Git may not have."""

import stat
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from amelio.model import OnError
from tests.actions.engine_project import Project
from tests.dvcio.dvc_itself import dvc_itself

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

MAKES = (
    "mkdir -p d && echo 1 > private && chmod 600 private && echo 2 > program && chmod 755 program"
    " && : > empty && echo 3 > d/x && ln -s source link && echo 4 > twin && ln twin d/twin"
)
OUTS = ["private", "program", "empty", "link", "twin", "d"]


def looks(root: Path) -> dict[str, tuple[int, bool, bool, bytes]]:
    """Of each file: mode, whether it is a link of either kind, content."""
    found = {}
    for name in [*OUTS[:-1], "d/x", "d/twin"]:
        path = root / name
        here = path.lstat()
        found[name] = (
            stat.S_IMODE(path.stat().st_mode),
            path.is_symlink(),
            here.st_nlink > 1,
            path.read_bytes(),
        )
    return found


@pytest.mark.parametrize("link", ["", "copy", "hardlink", "symlink"])
def test_outputs_look_as_dvc_leaves_them(project: Project, link: str) -> None:
    if link:
        project.write(".dvc/config.local", f"[cache]\n    type = {link}\n")
    project.write("source", "from elsewhere\n")
    project.stages(a={"cmd": MAKES, "outs": OUTS})
    assert project.outcomes() == {"a": "ran"}
    ours, lock = looks(project.root), project.read("dvc.lock")
    with dvc_itself(), Repo() as repo:
        repo.reproduce(force=True)
    assert ours == looks(project.root)
    assert lock == project.read("dvc.lock")
    assert project.outcomes() == {"a": "up to date"}


def test_a_file_that_is_a_copy_anyway_is_not_copied_again(project: Project) -> None:
    project.stages(a={"cmd": "echo > a; stat -c %i a > inode", "outs": ["a"]})
    assert project.outcomes() == {"a": "ran"}
    assert (project.root / "a").stat().st_ino == int(project.read("inode"))
    assert not (project.root / "a").samefile(next(project.root.glob(".dvc/cache/files/md5/*/*")))


@pytest.mark.parametrize("tracked", ["out", "folder/file"])
def test_an_output_that_git_has_is_refused(project: Project, tracked: str) -> None:
    project.write(tracked, "of Git\n")
    project.write("out-2", "another name that begins so\n")
    subprocess.run(["git", "add", tracked, "out-2"], cwd=project.root, check=True)
    project.stages(
        a={"cmd": "mkdir -p folder; echo > out; echo > folder/file", "outs": ["out", "folder"]},
        b={"cmd": "echo > out.2", "outs": ["out.2"]},
    )
    result = project.repro(on_error=OnError.KEEP_GOING)
    told = {stage.name: stage.message for stage in result.run.stages}
    assert "is already tracked by SCM" in told["a"]
    assert tracked.partition("/")[0] in told["a"]
    assert not told["b"]


def test_signals_are_as_dvc_leaves_them_to_commands(project: Project) -> None:
    project.stages(a={"cmd": "grep Sig[BI] /proc/self/status > a", "outs": ["a"]})
    project.repro()
    ours = standard_signals(project.read("a"))
    project.dvc("repro", "--force", "--quiet")
    assert ours == standard_signals(project.read("a"))


def standard_signals(status: str) -> list[int]:
    """Sets of blocked and ignored signals, without two that glibc keeps for itself."""
    return [int(line.split()[1], 16) & 0x7FFFFFFF for line in status.splitlines()]


def test_a_shell_that_is_not_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/no-shell")
    project.stages(a={"cmd": "true"})
    result = project.repro()
    stage = result.run.stages[0]
    assert stage.message == "its command failed with exit code 127"
    assert stage.log
    assert "cannot start '/bin/no-shell': [Errno 2]" in stage.log.read_text()
