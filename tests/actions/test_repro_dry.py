"""`repro --dry` and `why` leave everything as it was, whoever else is at work."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

from amelio import cli
from amelio.dvcio.workspace import DvcWorkspace
from amelio.model import Outcome, Policy, Verdict
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


@pytest.fixture
def ran(project: Project) -> Project:
    """Has run, twice, and is committed; `b` would be restored."""
    project.write("in/x", "1")
    project.write("params.yaml", "lr: 1\n")
    project.stages(
        a={"cmd": "cat in/x > a; mkdir d; cp a d", "deps": ["in"], "outs": ["a", "d"]},
        b={"cmd": "cat a > b", "deps": ["a"], "params": ["lr"], "outs": ["b"]},
        c={"cmd": "cat b > c", "deps": ["b"], "metrics": [{"c": {"cache": False}}]},
    )
    project.repro()
    project.write("in/x", "2")
    project.repro()
    project.write("in/x", "1")
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "--quiet", "--message", "ran"], check=True)
    return project


def _objects(project: Project) -> list[Path]:
    return [p for p in (project.root / ".dvc/cache/files").rglob("*") if p.is_file()]


def _damage_what_is_believed(project: Project) -> None:
    for path in _objects(project):
        path.chmod(0o644)
        path.write_text("[]" if path.suffix == ".dir" else "other")
        path.chmod(0o444)


def _damage_everything(project: Project) -> None:
    for path in _objects(project):
        path.chmod(0o644)
        path.write_text("other")
    for path in (project.root / ".dvc/cache/runs").rglob("*"):
        if path.is_file():
            path.write_text("cmd: [")


def _unprotect_and_lose(project: Project) -> None:
    for path in _objects(project):
        path.chmod(0o644)
    shutil.rmtree(project.root / "d")
    (project.root / "b").unlink()


def _clone(project: Project) -> None:
    for name in (".dvc/cache", ".dvc/tmp", "d"):
        shutil.rmtree(project.root / name)
    for name in ("a", "b", ".dvc/.gitignore"):
        (project.root / name).unlink()


def _lock_for_the_first_time(project: Project) -> None:
    (project.root / ".dvc/tmp/btime").unlink()
    (project.root / ".dvc/tmp/lock").unlink()


def _tree(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that a file can be asked for, but for when it was read."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (root, *root.rglob("*")):
        s = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, content)
    return found


@pytest.mark.parametrize(
    "change",
    [
        _damage_what_is_believed,
        _damage_everything,
        _unprotect_and_lose,
        _clone,
        _lock_for_the_first_time,
    ],
)
def test_nothing_is_touched(
    ran: Project, change: Callable[[Project], None], capsys: pytest.CaptureFixture[str]
) -> None:
    change(ran)
    before = _tree(ran.root)
    for words in (["repro", "--dry"], ["why", "b"], ["repro", "--dry", "--pull", "-f"]):
        assert cli.run(words) == 0
        assert _tree(ran.root) == before
    assert "would" in capsys.readouterr().out


def test_damage_is_foreseen(ran: Project) -> None:
    assert ran.forecast()["a"].outcome is Outcome.RESTORED
    _damage_what_is_believed(ran)
    assert ran.forecast()["a"].outcome is Outcome.RAN
    assert ran.outcomes("a") == {"a": "ran"}


def test_who_writes_is_waited_for(ran: Project) -> None:
    lock = LockFile(str(ran.root / ".dvc/tmp/lock"))
    began = time.monotonic()
    threading.Timer(0.4, lock.close).start()
    assert ran.forecast("a").keys() == {"a"}
    assert time.monotonic() - began > 0.3


def test_nobody_writes_meanwhile(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    judge = DvcWorkspace.judge

    def with_another_at_the_door(self: DvcWorkspace, stage: str, policy: Policy) -> Verdict:
        with pytest.raises(LockError):
            LockFile(str(ran.root / ".dvc/tmp/lock"))
        judged.append(stage)
        return judge(self, stage, policy)

    monkeypatch.setattr(DvcWorkspace, "judge", with_another_at_the_door)
    assert ran.forecast("a").keys() == {"a"}
    assert judged


@pytest.mark.parametrize("is_hard", [False, True])
def test_who_begins_where_nobody_had_locked_yet_is_noticed(
    ran: Project, monkeypatch: pytest.MonkeyPatch, is_hard: bool
) -> None:
    if is_hard:
        ran.dvc("config", "core.hardlink_lock", "true")
    for name in ("lock", "rwlock.lock"):
        (ran.root / ".dvc/tmp" / name).unlink(missing_ok=True)
    judged: list[str] = []
    judge = DvcWorkspace.judge

    def with_another_at_work(self: DvcWorkspace, stage: str, policy: Policy) -> Verdict:
        found = judge(self, stage, policy)
        if not judged:
            subprocess.run(["dvc", "repro", "--quiet", "a"], check=True)
        judged.append(stage)
        return found

    monkeypatch.setattr(DvcWorkspace, "judge", with_another_at_work)
    assert ran.forecast("a")["a"].outcome is Outcome.UP_TO_DATE
    assert judged == ["dvc.yaml:a", "dvc.yaml:a"]
