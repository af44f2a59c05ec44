"""`repro --dry` and `why` leave everything as it was, whoever else is at work."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

from amelio import cli
from amelio.dvcio.workspace import DvcWorkspace
from amelio.model import OnError, Outcome, Policy, Verdict
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


def _foretold(project: Project, **policy: Any) -> tuple[dict[str, str], dict[str, str]]:
    """What the forecast says of each stage, outcome and message; then it happens."""
    found = project.forecast(**policy)
    outcomes = {name: forecast.outcome.value for name, forecast in found.items()}
    assert project.outcomes(**policy) == outcomes
    return outcomes, {name: forecast.message for name, forecast in found.items()}


def test_what_a_forced_run_does_with_what_cannot_run(project: Project) -> None:
    project.stages(
        a={"cmd": "echo > a", "outs": ["a"], "frozen": True},
        b={"cmd": "cp a b", "deps": ["a"], "outs": ["b"]},
        c={"cmd": "cp b c", "deps": ["b"], "outs": ["c"]},
        d={"cmd": "touch no d", "deps": ["no"], "outs": ["d"]},
    )
    lost = {"a": "failed", "b": "not reached", "c": "not reached"}
    for force in (True, False):
        found, told = _foretold(project, force=force, on_error=OnError.KEEP_GOING)
        assert found == {**lost, "d": "ran" if force else "up to date"}
        assert told["a"] == "missing data 'source': a"
        assert not force or told["d"] == "without no, which it needs"
    assert _foretold(project, on_error=OnError.IGNORE)[0]["b"] == "failed"


def test_what_would_be_pulled(project: Project) -> None:
    project.stages(
        a={"cmd": "echo 1 > a", "outs": ["a"]},
        b={"cmd": "cp a b", "deps": ["a"], "outs": ["b"]},
        c={"cmd": "cp b c", "deps": ["b"], "outs": [{"c": {"cache": False}}]},
    )
    project.repro()
    project.dvc("remote", "add", "--default", "far", str(project.root / ".dvc/far"))
    project.dvc("push")
    pulled = {"a": "pulled", "b": "pulled", "c": "up to date"}
    for lost in ((), (".dvc/cache",)):
        for name in ("a", "b"):
            (project.root / name).unlink()
        for name in lost:
            shutil.rmtree(project.root / name)
        found, told = _foretold(project, pull=True)
        assert found == pulled
        assert ("if the remote has it" in told["a"]) == bool(lost)


def test_a_dependency_that_would_be_fetched(project: Project) -> None:
    project.stages(a={"cmd": "cp in a", "deps": ["in"], "outs": ["a"]})
    found = project.forecast(pull=True)["a"]
    assert found.outcome is Outcome.RAN
    assert "it would be fetched first, if the remote has it" in found.message


def test_quiet_tells_only_what_would_fail(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.stages(
        a={"cmd": "echo > a", "outs": ["a"], "frozen": True}, b={"cmd": "echo > b", "outs": ["b"]}
    )
    assert cli.run(["repro", "--dry", "--quiet", "b"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.run(["repro", "--dry", "--quiet"]) == 0
    assert capsys.readouterr().out == "a would fail\n  never ran\n  missing data 'source': a\n"


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
            subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "a"], check=True)
        judged.append(stage)
        return found

    monkeypatch.setattr(DvcWorkspace, "judge", with_another_at_work)
    assert ran.forecast("a")["a"].outcome is Outcome.UP_TO_DATE
    assert judged == ["dvc.yaml:a", "dvc.yaml:a"]
