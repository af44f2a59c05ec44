"""`amelio exp show`: the table as text, Markdown, CSV and JSON."""

import csv
import io
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from amelio import cli
from amelio.experiments.entry import Order
from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from tests.conftest import Run
from tests.experiments.many import add_experiments, make_base


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve experiments; not to be changed."""
    root = tmp_path_factory.mktemp("original")
    make_base(root)
    add_experiments(root, 12)
    return root


@pytest.fixture
def project(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working directory."""
    shutil.copytree(original, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_text_csv_markdown_and_json(amelio: Run, project: Path) -> None:
    best = ["--best", "average_accuracy", "--top", "2", "--only-changed"]
    text = amelio("exp", "show", *best, cwd=project)
    assert text.returncode == 0, text.stderr
    lines = text.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["workspace", "main", "├──", "└──"]
    assert "[exp-0012]" in lines[4]
    assert "train.learning_rate" in lines[0]
    assert "train.epochs" not in lines[0]

    table = amelio("exp", "show", *best, "--md", cwd=project).stdout.splitlines()
    assert table[1].startswith("| --- | --- |")
    assert table[4].count("|") == table[0].count("|")

    found = json.loads(amelio("exp", "show", *best, "--json", cwd=project).stdout)
    assert [each["name"] for each in found[1]["experiments"]] == ["exp-0012", "exp-0011"]


def test_csv_is_dvcs(amelio: Run, project: Path) -> None:
    mine = amelio("exp", "show", "--csv", cwd=project).stdout
    theirs = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dvc", "exp", "show", "--csv"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert list(csv.DictReader(io.StringIO(mine))) == list(csv.DictReader(io.StringIO(theirs)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filter", "params.trian.x > 1"], "did you mean 'train'"),
        (["--top", "3"], "--top needs"),
        (["--sort-by", "accurracy"], "no metric or parameter is called 'accurracy'"),
        (["--rev", "nope"], "nope"),
        (["--json", "--csv"], "give one of"),
    ],
)
@pytest.mark.usefixtures("project")
def test_wrong_options(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert cli.run(["exp", "show", *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_nothing_secret_and_no_escapes_in_the_table(amelio: Run, project: Path) -> None:
    (project / "params.yaml").write_text(
        'api_key: hunter2hunter2\nurl: "https://ada:geheim@example.org"\nname: "a\\u001b[31mb|c"\n'
    )
    for words in ([], ["--md"]):
        text = amelio("exp", "show", *words, cwd=project).stdout
        assert "hunter2" not in text
        assert "geheim" not in text
        assert "\x1b" not in text


def test_outside_of_a_repository(amelio: Run, tmp_path: Path) -> None:
    done = amelio("exp", "show", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_commit(amelio: Run, repository: Path) -> None:
    done = amelio("exp", "show", cwd=repository)
    assert done.returncode == 0, done.stderr
    for names in ([], ["one", "other"]):
        done = amelio("exp", "diff", *names, cwd=repository)
        assert done.returncode == 2
        assert "amelio: there is no commit yet\n  make one with" in done.stderr


def test_another_versions_queue_is_told_and_the_rest_is_shown(amelio: Run, project: Path) -> None:
    queue = Queue(find_home(project).queue)
    queue.close()
    with closing(sqlite3.connect(queue.path)) as file:
        file.execute("PRAGMA user_version = 99")
    done = amelio("exp", "show", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "[exp-0012]" in done.stdout
    assert "is not shown: " in done.stderr
    assert "another version's" in done.stderr


def test_in_a_terminal_it_is_no_wider_than_that(project: Path) -> None:
    rules = "{good: {metric: 'metrics/eval_metrics.json:per_attribute.eyes', alert_below: 0.1}}"
    (project / "amelio.yaml").write_text(f"quality: {{rules: {rules}}}\n")
    words = ["--only-changed", "--no-pager", "--drop", ".*rate"]
    argv = [sys.executable, "-m", "amelio", "exp", "show", *words]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "70"}
    process = subprocess.Popen(argv, cwd=project, stdout=theirs, env=environment)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # EIO: the other side has ended
        while part := os.read(ours, 1 << 16):
            said += part
    os.close(ours)
    assert process.wait(60) == 0
    assert said.endswith(b"\n")  # DVC resets colours after it
    lines = re.sub(r"\x1b\[\d*m", "", said.decode()).splitlines()
    assert max(map(len, lines)) <= 70
    assert {"Experiment", "eyes", "batch_size"} <= set(lines[0].split())  # eyes are all the same
    assert "more columns" in lines[-1]


def test_status_cuts_nothing_where_there_is_no_terminal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train.learning_rate=0.0123456789", "data.seed=7", f"train.optimizer={'A' * 50}")
    queue = Queue(find_home(project).queue)
    queue.add([Order("a-name-of-" * 5, "b" * 40, "c" * 40, {"params.yaml": words})], "batch")
    queue.close()
    assert cli.run(["exp", "status"]) == 0
    said = capsys.readouterr().out
    assert "a-name-of-" * 5 in said
    assert "0.0123456789, 7, AAA" in said
    assert "…" not in said
