"""F24: forty names that shells, YAML, Git and DVC may read as something else; control characters
are refused.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from amelio.actions.repro import ReproOptions, repro
from amelio.dvcio.workspace import open_workspace
from amelio.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

NAMES = (
    "two words", " leading", "trailing ", "  ", "a  b", "quo'te", 'dou"ble', "back`tick", "do$llar",
    "$HOME", "${x}".replace("{", "(").replace("}", ")"), "se;mi", "am&p", "pi|pe", "gt>", "lt<",
    "star*", "quest?", "[brackets]", "{braces}", "(parens)", "ba!ng", "#hash", "mid#hash",
    "per%cent",
    "at@sign", "co:lon", "equ=als", "plus+", "com,ma", "til~de", "~tilde", "^caret", "-dash",
    "--force", ".hidden", "...", "é", "e\u0301", "日本語", "😀", "null", "true", "1e5", "0x10",
    "on",
    "!important", "& anchor", "* alias", "trailing\\", "x" * 200,
)  # fmt: skip
REFUSED = ("new\nline", "tab\there", "escape\x1b[31m", "return\r")


def test_there_are_forty() -> None:
    assert len(set(NAMES)) >= 40


def _make(root: Path) -> None:
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    os.chdir(root)
    Repo.init().close()
    (root / "in").mkdir()
    (root / "out").mkdir()
    stages = {}
    for n, name in enumerate(NAMES):
        (root / "in" / name).write_text(name)
        source, target = f"in/{name}", f"out/{name}"
        command = f"cat {shlex.quote(source)} > {shlex.quote(target)}"
        stages[f"s{n}"] = {
            "cmd": command.replace("${", "\\${"),
            "deps": [source],
            "outs": [target],
        }
    with (root / "dvc.yaml").open("w") as file:
        YAML().dump({"stages": stages}, file)


def _state(root: Path) -> dict[str, bytes]:
    paths = [root / "dvc.lock", *root.rglob(".gitignore"), *(root / "out").iterdir()]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}


def test_the_same_as_with_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    _make(theirs)
    with Repo() as repo:
        repo.reproduce()
    _make(ours)
    workspace = open_workspace(is_quiet=True)
    result = repro(workspace, ReproOptions(jobs=4))
    workspace.repo.close()
    assert result.exit_code == 0, [s.message for s in result.run.stages if s.message]
    assert _state(ours) == _state(theirs)
    assert all((ours / "out" / name).read_text() == name for name in NAMES)
    tracked = subprocess.run(
        ["git", "status", "--porcelain", "-z", "-uall", "out"],
        cwd=ours, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    # DVC does not escape a space at a line's end in `.gitignore`; ours is DVC's byte for byte.
    unescaped = {f"out/{name}" for name in NAMES if name.endswith(" ")}
    assert {entry[3:] for entry in tracked.split("\0") if entry} == {"out/.gitignore"} | unescaped


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
@pytest.mark.parametrize("kind", ["deps", "outs"])
def test_control_characters_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    Repo.init().close()
    with (tmp_path / "dvc.yaml").open("w") as file:
        YAML().dump({"stages": {"a": {"cmd": "touch ran", kind: [name]}}}, file)
    with pytest.raises(InputError):
        repro(open_workspace(is_quiet=True), ReproOptions())
    assert not (tmp_path / "ran").exists()
