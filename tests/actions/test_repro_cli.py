"""What `amelio repro`, `why` and `logs` print."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress

import pytest

from amelio import cli
from amelio.actions.logs import find_log, read_log
from amelio.errors import InputError
from amelio.model import OnError
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


@pytest.fixture
def shown(project: Project) -> Project:
    """Two stages; the second fails while there is no file `go`."""
    project.write("params.yaml", "lr: 0.1\n")
    project.stages(
        prepare={
            "cmd": "echo preparing; echo 1 > prepared",
            "params": ["lr"],
            "outs": ["prepared"],
        },
        train={
            "cmd": "echo training; test -e go && cp prepared model",
            "deps": ["prepared"],
            "outs": ["model"],
        },
    )
    return project


def _said_in_a_terminal(project: Project, *words: str, typed: bytes = b"") -> bytes:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-m", "amelio", *words],
        cwd=project.root, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed)
    said = b""
    with suppress(OSError), os.fdopen(ours, "rb", buffering=0) as terminal:  # raised at its end
        while piece := terminal.read(65536):
            said += piece
    assert run.wait(60) == 0
    return said


def test_a_terminal_shows_a_table_and_no_bars_of_dvcs(project: Project) -> None:
    (project.root / "rows").mkdir()
    project.write("rows/1", "1\n")
    project.stages(count={"cmd": "wc rows/* > n", "deps": ["rows"], "outs": ["n"]})
    project.repro()
    project.write("rows/2", "2\n")
    said = _said_in_a_terminal(project, "repro")
    assert b"of 1 stages done" in said
    assert b"Collecting" not in said
    assert b"Checking" not in said


def test_a_question_is_not_written_over(project: Project) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    said = _said_in_a_terminal(project, "repro", "--interactive", typed=b"y\n")
    assert b"Run a? [y/N]: " in said
    assert b"stages done" not in said
    assert (project.root / "a").exists()


def test_who_says_no_runs_nothing(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert cli.run(["repro", "-i", "--jobs", "2"]) == 1
    assert "a failed: reproduction aborted by the user" in capsys.readouterr().out
    assert not (project.root / "a").exists()


@pytest.mark.usefixtures("shown")
def test_a_failure_shows_the_last_lines_and_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["repro", "-j", "2"]) == 1
    out = capsys.readouterr().out
    assert "[prepare] starts: never ran\n[prepare] ran in" in out
    assert (
        "train failed: its command failed with exit code 1\n  | training\n  whole output: " in out
    )
    assert "1 ran, 1 failed in" in out
    assert cli.run(["logs", "train"]) == 0
    assert capsys.readouterr().out == "training\n"


def test_verbose_quiet_and_json(shown: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shown.write("go", "")
    assert cli.run(["repro", "-v", "prepare"]) == 0
    assert "[prepare] preparing\n" in capsys.readouterr().out
    assert cli.run(["repro", "-q"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.run(["repro", "-f", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [line["kind"] for line in lines]
    assert (kinds[:3], kinds[-1]) == (["planned", "started", "ended"], "run")
    assert [stage["outcome"] for stage in lines[-1]["stages"]] == ["ran", "ran"]
    assert cli.run(["repro", "--json"]) == 0  # which keeps no record
    idle = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {stage["outcome"] for stage in idle["stages"]} == {"up to date"}


def test_a_line_has_no_long_conditions(shown: Project, capsys: pytest.CaptureFixture[str]) -> None:
    when = "changed.command or params.lr < 0.5 or params.lr > 7"
    shown.stages(a={"cmd": "cp params.yaml a", "outs": ["a"], "meta": {"amelio": {"when": when}}})
    assert cli.run(["repro"]) == 0
    assert "[a] starts: never ran\n" in capsys.readouterr().out
    shown.write("a", "")
    assert cli.run(["repro", "--no-run-cache"]) == 0
    said = capsys.readouterr().out
    assert "; condition is true (changed.command = false, params.lr = 0.1)\n" in said
    assert when not in said


def test_the_summary_names_what_no_line_told(
    shown: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["repro", "prepare"]) == 0
    shown.write("go", "")
    assert cli.run(["repro"]) == 0
    assert "1 ran, 1 up to date (prepare) in" in capsys.readouterr().out


def test_what_to_commit_is_told_once_and_whole(
    shown: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    shown.write("go", "")
    for name in ("report.md", "folder/a", "folder/b"):
        shown.write(name, "")
    assert cli.run(["repro"]) == 0
    said = capfd.readouterr()
    told = [line for line in said.out.splitlines() if "Git" in line]
    listed = ".gitignore, dvc.lock, dvc.yaml, folder and 3 others"
    assert told == [f"not in Git yet: {listed}; `git add . && git commit`"]
    assert "git add dvc.lock" not in said.err + said.out
    for words in (["--quiet"], ["--json"]):
        assert cli.run(["repro", "--force", *words]) == 0
        assert "not in Git" not in capfd.readouterr().out
    assert cli.run(["repro"]) == 0
    assert capfd.readouterr().out == "Data and pipelines are up to date.\n"


def test_dry_and_why(shown: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shown.write("go", "")
    assert cli.run(["repro", "-q"]) == 0
    assert cli.run(["why", "train"]) == 0
    assert capsys.readouterr().out.startswith("train is up to date: ")
    shown.write("params.yaml", "lr: 0.2\n")
    assert cli.run(["repro", "--dry"]) == 0
    out = capsys.readouterr().out
    assert "prepare would run, about 0.0" in out
    assert "  parameter params.yaml:lr: 0.1 → 0.2\n" in out
    assert re.search(r"\ntrain would run, about .* s, unless its inputs come out the same\n", out)
    assert "  upstream prepare (would run)\n" in out
    assert "expected: at most 0.0" in out
    assert cli.run(["repro"]) == 0
    shown.write("params.yaml", "lr: 0.1\n")
    capsys.readouterr()
    assert cli.run(["why", "prepare"]) == 0
    assert "prepare would be restored from the run cache\n" in capsys.readouterr().out
    assert cli.run(["repro"]) == 0
    assert re.search(r"; saved .* s by the run cache", capsys.readouterr().out)


@pytest.mark.usefixtures("shown")
def test_wrong_words_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["repro", "trian"]) == 2
    assert "did you mean 'train'?" in capsys.readouterr().err
    assert cli.run(["repro", "--jobs", "-1"]) == 2
    assert cli.run(["logs", "nothing"]) == 2
    assert "nothing has run here yet" in capsys.readouterr().err


def test_why_of_a_frozen_stage(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("in", "1")
    project.stages(a={"cmd": "cp in a", "deps": ["in"], "outs": ["a"]})
    assert cli.run(["repro", "-q"]) == 0
    project.dvc("freeze", "a")
    project.write("in", "2")
    assert cli.run(["why", "a"]) == 0
    assert capsys.readouterr().out == "a is frozen: its dependencies are not looked at\n"


def test_why_tells_how_the_last_attempt_failed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "when amelio last ran it, it failed: its command failed with exit code 3"
    project.stages(a={"cmd": "exit 3", "outs": ["a"]}, b={"cmd": "echo > b", "outs": ["b"]})
    project.repro(on_error=OnError.KEEP_GOING)
    assert cli.run(["why", "a"]) == 0
    assert f"  {told}\n  `amelio logs a` shows" in capsys.readouterr().out
    assert cli.run(["why", "b"]) == 0
    assert "failed" not in capsys.readouterr().out
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    project.repro()
    project.stages(a={"cmd": "echo 2 > a", "outs": ["a"]})
    assert cli.run(["why", "a"]) == 0
    assert "it failed" not in capsys.readouterr().out


def test_what_running_in_parallel_saved_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    each = {"cmd": "sleep 1; echo > ${item}", "outs": ["${item}"]}
    project.stages(x={"foreach": ["a", "b", "c"], "do": each})
    assert cli.run(["repro", "--jobs", "3"]) == 0
    saved = re.search(r"saved (\S+) s by running in parallel", capsys.readouterr().out)
    assert saved
    assert 0 < float(saved[1]) < 4


def test_why_of_a_group(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    each = {"cmd": "cp a ${item}", "deps": ["a"], "outs": ["${item}"]}
    project.stages(a={"cmd": "echo > a", "outs": ["a"]}, fit={"foreach": ["x", "y"], "do": each})
    assert cli.run(["why", "fit"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert told == ["fit@x would run", "fit@y would run"]


def test_warnings_of_a_stage_are_told_when_it_ends(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    many = "for i in 1 2 3 4 5; do echo warning: $i; done; echo fine; echo > b"
    project.stages(
        a={
            "cmd": "echo ⚠️ it rains; echo '  in May'; echo no; echo '  yes'; echo > a",
            "outs": ["a"],
        },
        b={"cmd": many, "outs": ["b"]},
        c={"cmd": "echo warning: $(seq 200); echo > c", "outs": ["c"]},
    )
    assert cli.run(["repro"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if "starts" not in line and " ran in " not in line][:-1]
    assert told == [
        "[a] ⚠️ it rains",
        "[a]   in May",
        *(f"[b] warning: {n}" for n in (1, 2, 3)),
        "[b] 2 more warnings: `amelio logs b`",
        f"[c] {'warning: ' + ' '.join(map(str, range(1, 201)))}"[:303] + "…",
    ]
    assert cli.run(["repro", "-f", "-v", "a"]) == 0
    assert capsys.readouterr().out.count("⚠️ it rains") == 2  # the command, and what it printed


def test_what_was_never_measured_is_not_foretold(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.stages(a={"cmd": "sleep 0.3; echo > a", "outs": ["a"]})
    project.repro()
    project.stages(
        a={"cmd": "sleep 0.3; echo > a", "outs": ["a"]}, b={"cmd": "echo > b", "outs": ["b"]}
    )
    assert cli.run(["repro", "--dry"]) == 0
    assert "expected: unknown with 1 job\n" in capsys.readouterr().out
    assert cli.run(["repro", "--dry", "-f"]) == 0
    told = r"expected: [01]\.\d+ s with 1 job; 1 never measured, taken as the mean\n"
    assert re.search(told, capsys.readouterr().out)


def test_logs_name_the_tries_before_the_last(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    retried = {"amelio": {"retries": 1}}
    project.stages(
        **{"pre-a": {"cmd": "echo > x", "outs": ["x"]}},
        a={"cmd": "echo try >> tries; cat tries; exit 1", "meta": retried},
    )
    assert cli.run(["repro", "-q"]) == 1
    capsys.readouterr()
    assert cli.run(["logs", "a"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "try\ntry\n"
    told, _, place = shown.err.strip().partition(": ")
    assert told == "the last of 2 tries; before it"
    assert project.read(place) == "try\n"
    assert cli.run(["logs", "aa"]) == 2
    assert "did you mean 'a'?" in capsys.readouterr().err


def test_logs_of_a_stage_that_this_run_is_done_with(project: Project) -> None:
    project.write("in", "1")
    project.stages(
        a={"cmd": "cat in; cp in a", "deps": ["in"], "outs": ["a"]},
        b={"cmd": f"{sys.executable} -m amelio logs a > log-of-a", "deps": ["a"]},
    )
    for text in ("1", "22"):
        project.write("in", text)
        project.repro()
        assert project.read("log-of-a") == text


def test_logs_follow_waits_for_a_stage_that_has_not_begun(project: Project) -> None:
    project.write("in", "1")
    project.write("go", "")
    wait = "touch waits; while [ ! -e go ]; do sleep 0.02; done"
    project.stages(
        a={"cmd": f"{wait}; cp in a", "deps": ["in"], "outs": ["a"]},
        b={"cmd": "cat a; cp a b", "deps": ["a"], "outs": ["b"]},
        c={"cmd": "cp b c", "deps": ["b"], "frozen": True},
    )
    project.repro("b")
    project.write("in", "2")
    for name in ("go", "waits"):
        (project.root / name).unlink()
    run = subprocess.Popen([sys.executable, "-m", "amelio", "repro", "-q"], cwd=project.root)
    while not (project.root / "waits").exists():
        assert run.poll() is None
        time.sleep(0.02)
    with pytest.raises(InputError, match=r"no stage 'bb'(.|\n)*mean 'b'"):
        find_log(project.root, "bb", follow=True)
    assert find_log(project.root, "b").read_text() == "1"
    threading.Timer(0.3, project.write, ("go", "")).start()
    assert "".join(read_log(find_log(project.root, "b", follow=True), follow=True)) == "2"
    with pytest.raises(InputError, match="no log of a stage 'c'"):  # the run ends without
        find_log(project.root, "c", follow=True)
    assert run.wait(60) == 0
    with pytest.raises(InputError, match="no log of a stage 'bb'"):
        find_log(project.root, "bb", follow=True)


def test_logs_follow_a_stage_until_it_has_ended(project: Project) -> None:
    steps = "; ".join(f"while [ ! -e go{n} ]; do sleep 0.05; done; echo {n}" for n in (1, 2))
    project.stages(a={"cmd": f"echo 0; {steps}; echo > a", "outs": ["a"]})
    argv = [sys.executable, "-W", "ignore", "-m", "amelio"]
    run = subprocess.Popen([*argv, "repro", "-q"], cwd=project.root)
    deadline = time.monotonic() + 60
    while not list(project.root.glob(".dvc/tmp/amelio/runs/*/*/log")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with subprocess.Popen(
        [*argv, "logs", "a", "--follow"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as following:
        assert following.stdout is not None
        for n in (0, 1, 2):
            assert following.stdout.readline() == f"{n}\n"  # each before the next one may come
            project.write(f"go{n + 1}", "")
        assert run.wait(60) == 0
        assert following.stdout.read() == ""
        assert following.wait(60) == 0
