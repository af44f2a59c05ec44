"""The instant "nothing to do": it holds when nothing changed, and for nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from amelio.cli.instant import instant
from amelio.cli.repro_words import ReproWords, plain_words
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


@pytest.fixture
def idle(project: Project, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project with every kind of thing to watch, in which there is nothing to do."""
    project.write("in", "1")
    project.write("folder/sub/x", "1")
    project.write("params.yaml", "lr: 1\nother: 1\n")
    project.write("vars.yaml", "word: hello\n")
    project.write("part/own.yaml", "more: x\n")
    project.write("dvc.yaml", "")
    project.write("data", "data")
    project.dvc("add", "--quiet", "data")
    text = """\
vars: [vars.yaml]
stages:
  a:
    cmd: echo ${word} > a; cat in data >> a
    deps: [in, folder, data]
    params: [lr]
    outs: [a]
  b:
    cmd: cp a b
    deps: [a]
    outs: [b]
    meta: {amelio: {when: params.other > 1}}
  c:
    foreach: [1]
    do:
      wdir: part
      vars: [own.yaml]
      cmd: echo ${more} > ../c${item}
      outs:
      - ../c${item}
"""
    project.write("dvc.yaml", text)
    assert instant(ReproWords()) is None
    assert project.outcomes() == {
        "data.dvc": "up to date", "a": "ran", "b": "skipped", "c@1": "ran",
    }  # fmt: skip
    assert set(project.outcomes().values()) == {"up to date", "skipped"}
    capsys.readouterr()
    assert instant(ReproWords(jobs=4, keep_going=True)) == 0
    out = capsys.readouterr().out
    assert "b skipped: condition is false" in out
    assert out.endswith("Data and pipelines are up to date.\n")
    return project


def _keep_times(path: Path, text: str) -> None:
    stat = path.stat()
    with path.open("r+") as file:
        file.write(text)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.usefixtures("idle")
def test_another_installation_looks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.prefix", "/opt/other")
        assert instant(ReproWords(jobs=4, keep_going=True)) is None
    assert instant(ReproWords(jobs=4, keep_going=True)) == 0
    monkeypatch.setattr("amelio.engine.instant.__version__", "99")
    assert instant(ReproWords(jobs=4, keep_going=True)) is None


def _remove_cached(root: Path) -> None:
    next(p for p in (root / ".dvc/cache/files/md5").rglob("*") if p.is_file()).unlink()


CHANGES: dict[str, Callable[[Path], object]] = {
    "input": lambda root: (root / "in").write_text("2"),
    "input, size and mtime kept": lambda root: _keep_times(root / "in", "2"),
    "file in a folder, size and mtime kept": lambda root: _keep_times(root / "folder/sub/x", "2"),
    "file added to a folder": lambda root: (root / "folder/sub/y").write_text("2"),
    "file removed from a folder": lambda root: (root / "folder/sub/x").unlink(),
    "parameter": lambda root: (root / "params.yaml").write_text("lr: 2\nother: 1\n"),
    "parameter of a condition": lambda root: (root / "params.yaml").write_text("lr: 1\nother: 2\n"),
    "variable": lambda root: (root / "vars.yaml").write_text("word: bye\n"),
    "variable of a stage": lambda root: (root / "part/own.yaml").write_text("more: y\n"),
    "dvc.yaml": lambda root: (root / "dvc.yaml").write_text((root / "dvc.yaml").read_text() + "\n"),
    "dvc.lock": lambda root: (root / "dvc.lock").unlink(),
    "data.dvc": lambda root: (root / "data.dvc").write_text((root / "data.dvc").read_text() + "\n"),
    "output removed": lambda root: (root / "a").unlink(),
    "output edited": lambda root: (root / "a").write_text("by hand"),
    "object removed from the cache": _remove_cached,
    "new .dvc file": lambda root: (root / "folder/new.dvc").write_text("outs: []\n"),
    "new dvc.yaml in a new folder": lambda root: (root / "new").mkdir(),
    "ignore file": lambda root: (root / ".dvcignore").write_text("x\n"),
    "DVC's settings": lambda root: (root / ".dvc/config").write_text("[core]\n"),
    "amelio's settings": lambda root: (root / "amelio.yaml").write_text("core: {jobs: 2}\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_takes_a_proper_look(idle: Project, change: str) -> None:
    CHANGES[change](idle.root)
    assert instant(ReproWords()) is None


def test_other_questions_take_a_proper_look(idle: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (ReproWords(("a",)), ReproWords(("a",), single_item=True)):
        assert instant(words) is None
    for option in (["-f"], ["--dry"], ["--json"], ["-j", "x"], ["--no-fast"]):
        assert plain_words(option) is None
    monkeypatch.chdir(idle.root / "folder")
    assert instant(ReproWords()) is None


@pytest.mark.parametrize(
    "stage",
    [
        {"cmd": "echo > c", "outs": ["c"], "always_changed": True},
        {"cmd": "echo"},
        {"cmd": "echo > c", "outs": ["c"], "meta": {"amelio": {"when": "exists('x') or env.X"}}},
    ],
)
def test_what_files_alone_do_not_decide_is_never_instant(
    project: Project, stage: dict[str, object]
) -> None:
    project.write("amelio.yaml", "env: [X]\n")
    project.stages(c=stage)
    for _ in range(2):
        project.repro()
        assert instant(ReproWords()) is None


def test_an_input_edited_while_another_stage_runs_is_not_overlooked(project: Project) -> None:
    project.write("in", "1")
    project.stages(
        a={"cmd": "cat in > a", "deps": ["in"], "outs": ["a"]},
        b={"cmd": "echo 2 > in; echo > b", "outs": ["b"]},
    )
    assert project.outcomes("a") == {"a": "ran"}
    assert project.outcomes() == {"a": "up to date", "b": "ran"}
    assert instant(ReproWords()) is None
    assert project.outcomes() == {"a": "ran", "b": "up to date"}


def test_what_was_not_committed_is_not_done(project: Project) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    assert project.outcomes(no_commit=True) == {"a": "ran"}
    assert instant(ReproWords()) is None
    assert project.outcomes() == {"a": "ran"}  # as with `dvc repro`
    assert instant(ReproWords()) == 0


def test_a_failure_is_not_forgotten(project: Project) -> None:
    project.stages(a={"cmd": "test -e go && echo > a", "outs": ["a"]})
    project.repro()
    assert instant(ReproWords()) is None


def test_neither_dvc_nor_typer_is_imported(idle: Project) -> None:
    program = "import sys, amelio.cli; amelio.cli.run(['repro']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=idle.root, capture_output=True, text=True, check=True
    )
    assert "'amelio.cli.instant'" in done.stdout
    assert "'dvc'" not in done.stdout
    assert "'typer'" not in done.stdout
