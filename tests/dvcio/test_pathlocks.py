"""DVC's locks on single paths, edited by several programs in turn."""

import json
import os
from pathlib import Path

import pytest
from dvc.repo import Repo

from amelio.dvcio.run.pathlocks import PathLocks
from amelio.model import BusyError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own libraries

STAGES = """\
stages:
  a: {cmd: cp in a, deps: [in], outs: [a]}
  b: {cmd: cp in b, deps: [in], outs: [b]}
"""


def test_entries_of_others_stay(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    (repository / "dvc.yaml").write_text(STAGES)
    file = repository / ".dvc/tmp/rwlock"
    theirs = {"pid": os.getppid(), "cmd": "theirs"}
    b_path, in_path = str(repository / "b"), str(repository / "in")
    with Repo() as repo:
        a, b = sorted(repo.index.stages, key=lambda stage: stage.addressing)
        locks = PathLocks(repo)
        locks.take("a", a)
        before = json.loads(file.read_bytes())
        locks.take("b", b)
        locks.give_back("b")
        locks.sweep()
        assert json.loads(file.read_bytes()) == before
        before["write"][b_path] = theirs
        before["read"][in_path].append(theirs)
        file.write_text(json.dumps(before))
        with pytest.raises(BusyError):
            locks.take("b", b)
        locks.give_back("a")
        with pytest.raises(BusyError):
            locks.take("b", b)
        locks.sweep()
        assert json.loads(file.read_bytes()) == {
            "write": {b_path: theirs},
            "read": {in_path: [theirs]},
        }
        file.write_text("{}")
        locks.take("b", b)
        assert set(json.loads(file.read_bytes())["write"]) == {b_path}
        locks.give_all_back()
        assert not any(json.loads(file.read_bytes()).values())
