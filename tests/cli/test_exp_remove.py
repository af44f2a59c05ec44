"""`amelio exp remove` and `amelio exp diff`: what goes, what stays, what is asked."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from amelio import cli
from amelio.experiments.entry import Order, Status
from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from tests.conftest import Run
from tests.experiments.many import add_experiments, git, make_base


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six experiments, and two of another commit; not to be changed."""
    root = tmp_path_factory.mktemp("original")
    make_base(root)
    add_experiments(root, 6)
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Second")
    add_experiments(root, 2, prefix="exp-old")
    return root


@pytest.fixture
def project(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working directory."""
    shutil.copytree(original, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def names_of_refs(root: Path) -> set[str]:
    """Those that exist."""
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    return {ref.rpartition("/")[2] for ref in refs}


FIRST = {f"exp-000{n}" for n in range(1, 7)}
OLD = {"exp-old-0001", "exp-old-0002"}


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (["exp-old-*"], OLD),
        (["exp-old-*", "exp-0001"], OLD | {"exp-0001"}),
        (["exp-000[12]", "exp-*-0001"], {"exp-0001", "exp-0002", "exp-old-0001"}),
        (["--filter", "params.train.batch_size == 64"], {"exp-0001", "exp-0005", "exp-old-0001"}),
        (["--older-than", "30d"], FIRST | OLD),
        (
            ["--keep-top", "3", "average_accuracy"],
            (FIRST | OLD) - {"exp-0006", "exp-0005", "exp-0004"},
        ),
        (["--keep", "exp-old-*"], FIRST),
        (["--filter", "params.train.epochs > 1", "--rev", "HEAD"], OLD),
        (["--keep", "--filter", "params.train.epochs > 1", "--rev", "HEAD"], FIRST),
        (["exp-0*", "--filter", "metrics.train.loss < 0.2"], {"exp-0005", "exp-0006"}),
        (["nothing-*"], set()),
    ],
)  # fmt: skip
def test_chosen_ones_go(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], gone: set[str]
) -> None:
    assert cli.run(["exp", "remove", *words, "-y"]) == 0
    assert names_of_refs(project) == (FIRST | OLD) - gone
    said = capsys.readouterr().out
    assert all(name in said for name in gone)


def test_failed_and_stopped_ones_go_like_those_with_a_result(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = git(project, "rev-parse", "HEAD")
    queue = Queue(find_home(project).queue)
    values = ("train.batch_size=7", "train.epochs=[1]")
    names = ("exp-old-bad", "exp-old-worse", "other", "exp-old-later")
    queue.add([Order(name, base, base, {"params.yaml": values}) for name in names], "batch")
    for _ in range(3):
        found = queue.claim(os.getpid())
        assert found is not None
        queue.end(found, Status.FAILED, "no memory left")
    words = ["exp-old-*", "--filter", "params.train.batch_size == 7"]
    assert cli.run(["exp", "remove", *words, "-y"]) == 0
    said = capsys.readouterr().out
    assert "no memory left" in said
    assert "Removed 2 experiments" in said
    assert [entry.name for entry in queue.all()] == ["other", "exp-old-later"]  # that one waits
    assert names_of_refs(project) == FIRST | OLD
    queue.close()


@pytest.mark.parametrize("words", [["wait"], ["-y", "wait"], ["-y", "wa*"], ["-y", "wait", "x*"]])
def test_what_waits_goes_however_it_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    base = git(project, "rev-parse", "HEAD")
    queue = Queue(find_home(project).queue)
    for name in ("wait", "other"):
        queue.stop(queue.add([Order(name, base, base)], "first"))
        queue.add([Order(name, base, base)], "second")
    assert cli.run(["exp", "remove", *words]) == 0
    assert capsys.readouterr().out.count("wait") == 1
    assert [entry.name for entry in queue.all()] == ["other", "other"]
    queue.close()
    assert names_of_refs(project) == FIRST | OLD


@pytest.mark.parametrize("words", [["busy"], ["-y", "busy"], ["-y", "busy", "exp-*"]])
def test_what_runs_is_refused_by_its_name(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    base = git(project, "rev-parse", "HEAD")
    queue = Queue(find_home(project).queue)
    queue.add([Order("busy", base, base)], "batch")
    assert queue.claim(os.getpid())
    assert cli.run(["exp", "remove", *words]) == 2
    assert "busy: still running" in capsys.readouterr().err
    assert [entry.name for entry in queue.all()] == ["busy"]
    queue.close()
    assert names_of_refs(project) == FIRST | OLD


def test_without_a_terminal_nothing_goes(amelio: Run, project: Path) -> None:
    done = amelio("exp", "remove", "exp-old-*", cwd=project)
    assert done.returncode == 1
    assert "no terminal to ask at" in done.stderr
    assert "exp-old-0001" in done.stdout
    assert names_of_refs(project) == FIRST | OLD


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", FIRST | OLD), (b"y\n", FIRST)])
def test_at_a_terminal_it_asks(project: Path, answer: bytes, left: set[str]) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "amelio", "exp", "remove", "exp-old-*"]
    process = subprocess.Popen(
        argv, cwd=project, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    os.write(ours, answer)
    said = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    os.close(theirs)
    assert "Remove 2 experiments?" in said
    assert names_of_refs(project) == left


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exp-0007", "exp-9*", "-y"], "no experiment is called exp-0007; did you mean"),
        (["--older-than", "soon"], "--older-than is a number"),
        (["--filter", "metrics.nope > 1"], "called nope"),
        (["--keep-top", "1", "nope"], "no metric or parameter is called 'nope'"),
        (["-y"], "which experiments?"),
        (["exp-*", "-g", "origin"], "of this repository"),
        (["--keep", "-n", "exp-0001"], "-n is a number of commits, not 'exp-0001'"),
    ],
)
def test_wrong_use(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.run(["exp", "remove", *words]) == 2
    assert message in capsys.readouterr().err
    assert names_of_refs(project) == FIRST | OLD


def test_plain_names_and_dvcs_options_are_dvcs(amelio: Run, project: Path) -> None:
    done = amelio("exp", "rm", "exp-old-0001", cwd=project)
    assert done.stdout == "Removed experiments: 'exp-old-0001'\n"
    done = amelio("exp", "remove", "-y", "exp-0001", cwd=project)
    assert done.stdout == "Removed experiments: 'exp-0001'\n"
    done = amelio("exp", "remove", "--rev", "HEAD~1", cwd=project)
    assert "exp-0006" in done.stdout
    assert names_of_refs(project) == {"exp-old-0002"}


def test_diff(amelio: Run, project: Path) -> None:
    argv = [sys.executable, "-W", "ignore", "-m", "dvc", "exp", "diff", "--json", "--all"]
    theirs = subprocess.run(
        [*argv, "exp-0001", "exp-0004"], cwd=project, capture_output=True, text=True, check=True
    )
    mine = amelio("exp", "diff", "--json", "--all", "exp-0001", "exp-0004", cwd=project)
    found = json.loads(mine.stdout)
    assert found.pop("code") == {}
    assert found == json.loads(theirs.stdout)

    (project / "src/train.py").write_text("# other\n")
    text = amelio("exp", "diff", "exp-0003", cwd=project).stdout
    assert [line.split()[0] for line in text.splitlines() if "rate" in line] == ["params.yaml"]
    assert ["src/train.py", "changed"] in [line.split() for line in text.splitlines()]
    assert "epochs" not in text
    assert amelio("exp", "diff", "HEAD", "HEAD", cwd=project).stdout.startswith("No difference")
    wrong = amelio("exp", "diff", "nope", cwd=project)
    assert wrong.returncode == 2
    assert "nope" in wrong.stderr


PAGES = """\
  report:
    cmd: python src/report.py
    outs:
    - report.md: {cache: false}
    - pages: {cache: false}
"""


def test_diff_does_not_list_what_stages_make(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["report.md", "pages/one.md"]
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + PAGES)
    (project / "pages").mkdir()
    for version in ("1", "2"):
        for name in (*made, "notes.md"):
            (project / name).write_text(version)
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message", version)
    assert cli.run(["exp", "diff", "HEAD~1", "HEAD"]) == 0
    said = capsys.readouterr().out
    assert "notes.md" in said
    assert not any(name in said for name in made)


def test_diff_in_a_terminal_begins_with_what_tells_most(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = "{good: {metric: 'metrics/eval_metrics.json:per_attribute.eyes', alert_below: 0.1}}"
    (project / "amelio.yaml").write_text(f"quality: {{rules: {rules}}}\n")
    figures = {f"lots.s{n}": n for n in range(40)}
    (project / "metrics/train.json").write_text(json.dumps({**figures, "loss": 0.25}))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    assert cli.run(["exp", "diff", "exp-old-0001"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "\x1b" not in line) <= 70
    names = [line.split()[0] for line in lines if line and "\x1b" not in line]
    assert names[:2] == ["params.yaml", "params.yaml"]
    assert names[2:4] == ["per_attribute.eyes", "loss"]  # those eyes are the same
    assert "more metrics: " in "".join(lines)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert cli.run(["exp", "diff", "exp-old-0001"]) == 0
    said = capsys.readouterr().out
    assert "lots.s39" in said
    assert "per_attribute.eyes" not in said
