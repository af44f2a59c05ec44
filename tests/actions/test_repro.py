"""`repro` as a whole, on real repositories."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dvc.repo import Repo

from amelio.actions.repro import ReproOptions, repro
from amelio.cli.instant import instant
from amelio.cli.repro_words import ReproWords
from amelio.dvcio.workspace import open_workspace
from amelio.engine.events import Event, EventKind
from amelio.errors import EnvironmentFailedError, InputError
from amelio.insight import records
from amelio.model import OnError, Outcome, Policy, ReasonKind
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def test_runs_records_and_then_has_nothing_to_do(project: Project) -> None:
    project.write("in", "1")
    project.stages(
        a={"cmd": "cat in > a", "deps": ["in"], "outs": ["a"]},
        b={"cmd": "cat a > b", "deps": ["a"], "outs": ["b"]},
    )
    assert project.outcomes() == {"a": "ran", "b": "ran"}
    assert project.is_clean()
    assert project.outcomes() == {"a": "up to date", "b": "up to date"}
    project.write("in", "22")
    assert project.outcomes("a") == {"a": "ran"}
    project.write("in", "1")
    assert project.outcomes() == {"a": "restored", "b": "up to date"}
    assert project.read("b") == "1"
    assert project.is_clean()


def test_stages_run_at_once_as_soon_as_their_inputs_are_ready(project: Project) -> None:
    project.stages(
        slow={"cmd": "sleep 1; echo > slow", "outs": ["slow"]},
        quick={"cmd": "echo > quick", "outs": ["quick"]},
        after={"cmd": "test ! -e slow; echo > after", "deps": ["quick"], "outs": ["after"]},
    )
    stages = {s.name: s for s in project.repro(jobs=2).run.stages}
    assert stages["after"].started is not None
    assert stages["slow"].started is not None
    assert stages["slow"].usage is not None
    assert stages["after"].started < stages["slow"].started + stages["slow"].usage.wall_s
    assert project.is_clean()


def test_mutexes_and_counters_keep_stages_apart(project: Project) -> None:
    project.write("amelio.yaml", "resources: {db: 1}\n")
    command = "mkdir busy && sleep 0.2 && rmdir busy && echo > ${item}"
    project.write("dvc.yaml", "")
    each = {"cmd": command, "outs": ["${item}"], "meta": {"amelio": {"mutex": ["m"]}}}
    project.stages(x={"foreach": ["a", "b", "c"], "do": each})
    assert set(project.outcomes(jobs=3).values()) == {"ran"}
    each["meta"] = {"amelio": {"resources": {"db": 1}}}
    each["cmd"] = command + "2"
    each["outs"] = ["${item}2"]
    project.stages(x={"foreach": ["a", "b", "c"], "do": each})
    assert set(project.outcomes(jobs=3).values()) == {"ran"}


def test_a_failed_stage_leaves_everything_as_it_was(project: Project) -> None:
    project.write("in", "1")
    project.stages(
        a={
            "cmd": "cat in > out; cp in plain; mkdir -p d; cp in d/x; echo m >> kept; grep 1 in",
            "deps": ["in"],
            "outs": ["out", {"plain": {"cache": False}}, "d", {"kept": {"persist": True}}],
        },
        b={"cmd": "cat out > b", "deps": ["out"], "outs": ["b"]},
    )
    assert project.outcomes() == {"a": "ran", "b": "ran"}
    lock = project.read("dvc.lock")
    project.write("in", "2")
    result = project.repro()
    assert [s.outcome for s in result.run.stages] == ["failed", "not reached"]
    assert result.exit_code == 1
    assert project.read("dvc.lock") == lock
    assert [project.read(name) for name in ("out", "plain", "d/x", "kept")] == [
        "1",
        "1",
        "1",
        "m\n",
    ]
    folder = result.run.stages[0].log.parent  # type: ignore[union-attr]
    assert (folder / "kept" / "0-out").read_text() == "2"


def test_keep_going_and_ignore_errors(project: Project) -> None:
    project.stages(
        bad={"cmd": "false", "outs": ["bad"]},
        behind={"cmd": "echo > behind", "deps": ["bad"], "outs": ["behind"]},
        good={"cmd": "echo > good", "outs": ["good"]},
    )
    found = project.outcomes(on_error=OnError.KEEP_GOING)
    assert found == {"bad": "failed", "behind": "not reached", "good": "ran"}
    project.write("bad", "by hand")
    found = project.outcomes(on_error=OnError.IGNORE)
    assert found == {"bad": "failed", "behind": "ran", "good": "up to date"}


def test_retries_and_timeouts(project: Project) -> None:
    project.stages(
        flaky={
            "cmd": "echo >> ../tries; test $(wc -l < ../tries) = 2 && echo > flaky",
            "wdir": "w",
            "outs": ["flaky"],
            "meta": {"amelio": {"retries": 1}},
        },
    )
    (project.root / "w").mkdir()
    result = project.repro()
    assert [(s.outcome, s.attempts) for s in result.run.stages] == [("ran", 2)]
    project.stages(slow={"cmd": "sleep 30", "outs": ["x"], "meta": {"amelio": {"timeout": "0.3s"}}})
    begun = time.monotonic()
    (stage,) = project.repro().run.stages
    assert stage.outcome == "failed"
    assert "timeout of 0.3 s" in stage.message
    assert time.monotonic() - begun < 10


def test_each_further_try_waits_twice_as_long(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amelio.engine.ends.FIRST_BACKOFF_S", 0.3)
    command = "date +%s.%N >> ../tries; false"
    meta = {"amelio": {"retries": 2}}
    project.stages(a={"cmd": command, "wdir": "w", "outs": ["a"], "meta": meta})
    (project.root / "w").mkdir()
    told: list[str] = []

    def listener(event: Event) -> None:
        if event.kind is EventKind.RETRY:
            told.append(event.message)

    result = repro(open_workspace(is_quiet=True), ReproOptions(), listener)
    assert [(s.outcome, s.attempts) for s in result.run.stages] == [("failed", 3)]
    assert [text.partition("; ")[2] for text in told] == [
        "try 2 of 3 in 0.3 s",
        "try 3 of 3 in 0.6 s",
    ]
    first, second, third = (float(line) for line in project.read("tries").split())
    assert second - first >= 0.3
    assert third - second >= 0.6


def test_what_took_longest_before_goes_first(project: Project) -> None:
    project.stages(
        a={"cmd": "echo > a", "outs": ["a"]},
        b={"cmd": "echo > b", "outs": ["b"]},
        slow={"cmd": "sleep 0.5; echo > slow", "outs": ["slow"]},
    )
    started: list[Event] = []

    def listener(event: Event) -> None:
        if event.kind is EventKind.STARTED:
            started.append(event)

    options = ReproOptions(policy=Policy(force=True), jobs=2)
    for first in ("a", "slow"):
        started.clear()
        assert repro(open_workspace(is_quiet=True), options, listener).exit_code == 0
        assert started[0].stage == first
    assert started[0].expected_s is not None
    assert started[0].expected_s >= 0.5


def test_a_timeout_of_months(project: Project) -> None:
    meta = {"amelio": {"timeout": "2000h"}}
    project.stages(a={"cmd": "echo > a", "outs": ["a"], "meta": meta})
    assert project.outcomes() == {"a": "ran"}


def test_ctrl_c_is_heard_before_the_next_try(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amelio.engine.ends.FIRST_BACKOFF_S", 10_000.0)
    project.stages(a={"cmd": "false", "outs": ["a"], "meta": {"amelio": {"retries": 1}}})

    def listener(event: Event) -> None:
        if event.kind is EventKind.RETRY:
            threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()

    result = repro(open_workspace(is_quiet=True), ReproOptions(), listener)
    assert result.exit_code == 130
    assert [stage.outcome for stage in result.run.stages] == ["not reached"]


def test_a_retry_after_changed_inputs_runs_again(project: Project) -> None:
    project.write("in", "1")
    command = "echo >> tries; test $(wc -l < tries) != 2 && cat in > out"
    project.stages(
        flaky={
            "cmd": command,
            "deps": ["in"],
            "outs": ["out"],
            "meta": {"amelio": {"retries": 1}},
        },
    )
    project.repro()
    project.write("in", "22")
    result = project.repro()
    assert [(s.outcome, s.attempts) for s in result.run.stages] == [("ran", 2)]
    assert project.read("out") == "22"
    assert project.is_clean()


@pytest.mark.parametrize("keep_mtime", [False, True])
def test_an_input_that_changes_during_the_run_is_not_recorded(
    project: Project, keep_mtime: bool
) -> None:
    project.write("in", "1")
    touch = "touch -r stamp in" if keep_mtime else "true"
    project.write("stamp", "")
    project.stages(
        a={
            "cmd": "cat in > out; if [ $(cat in) = 2 ]; then touch -r in stamp; printf 3 > in;"
            f" {touch}; fi",
            "deps": ["in"],
            "outs": ["out"],
        }
    )
    assert project.outcomes() == {"a": "ran"}
    lock = project.read("dvc.lock")
    project.write("in", "2")
    result = project.repro()
    assert result.exit_code == 1
    assert "inputs changed while it ran" in result.run.stages[0].message
    assert project.read("dvc.lock") == lock
    assert project.read("out") == "1"
    project.write("in", "2")  # not in the run cache either: it runs again, and fails again
    assert project.outcomes() == {"a": "failed"}


def test_a_parameter_that_changes_during_the_run_is_not_recorded(project: Project) -> None:
    project.write("params.yaml", "x: 1\ny: 1\n")
    project.stages(
        a={"cmd": "sed -i s/y:.1/y:\\ 2/ params.yaml; echo > out", "params": ["x"], "outs": ["out"]}
    )
    assert project.outcomes() == {"a": "ran"}  # another parameter of the same file
    project.stages(
        a={"cmd": "sed -i s/x:.1/x:\\ 2/ params.yaml; echo > out", "params": ["x"], "outs": ["out"]}
    )
    assert project.outcomes() == {"a": "failed"}


def test_reasons_are_all_told_with_old_and_new(project: Project) -> None:
    project.write("in", "1")
    project.write("prog.py", "1")
    project.write("params.yaml", "lr: 0.1\n")
    base = {"deps": ["in", "prog.py"], "params": ["lr"], "outs": ["out"]}
    project.stages(a={"cmd": "echo 1 > out", **base}, b={"cmd": "cat out", "deps": ["out"]})
    project.repro()
    assert project.forecast()["b"].outcome == "up to date"
    project.write("in", "2")
    project.write("prog.py", "2")
    project.write("params.yaml", "lr: 0.2\n")
    (project.root / "out").unlink()
    project.stages(a={"cmd": "echo 2 > out", **base}, b={"cmd": "cat out", "deps": ["out"]})
    before = sorted(p.name for p in project.root.iterdir())
    found = project.forecast()
    kinds = {(r.kind, r.what, r.old, r.new) for r in found["a"].reasons}
    assert (ReasonKind.COMMAND, "", "echo 1 > out", "echo 2 > out") in kinds
    assert (ReasonKind.PARAMETER, "params.yaml:lr", "0.1", "0.2") in kinds
    assert {(kind, what) for kind, what, _, _ in kinds} >= {
        (ReasonKind.DATA, "in"), (ReasonKind.CODE, "prog.py"), (ReasonKind.OUTPUT, "out"),
    }  # fmt: skip
    assert ReasonKind.UPSTREAM in {r.kind for r in found["b"].reasons}
    assert sorted(p.name for p in project.root.iterdir()) == before


def test_of_a_section_of_parameters_only_what_differs_is_told(project: Project) -> None:
    many = {f"key_{n}": n for n in range(40)}
    project.write("params.yaml", json.dumps({"train": {**many, "opt": {"lr": 0.1, "old": 1}}}))
    project.stages(a={"cmd": "echo 1 > out", "params": ["train"], "outs": ["out"]})
    project.repro()
    now = {**many, "opt": {"lr": 0.2, "password": "hunter2"}}
    project.write("params.yaml", json.dumps({"train": now}))
    assert {(r.what, r.old, r.new) for r in project.forecast()["a"].reasons} == {
        ("params.yaml:train.opt.lr", "0.1", "0.2"),
        ("params.yaml:train.opt.old", "1", None),
        ("params.yaml:train.opt.password", None, "***"),
    }
    project.write("params.yaml", json.dumps({"train": 3}))
    assert [(r.what, r.new) for r in project.forecast()["a"].reasons] == [
        ("params.yaml:train", "3")
    ]


def test_a_stage_whose_inputs_would_be_restored_would_not_fail(project: Project) -> None:
    project.write("in", "1")
    project.stages(
        a={"cmd": "cat in > a", "deps": ["in"], "outs": ["a"]},
        b={"cmd": "cat a > b", "deps": ["a"], "outs": ["b"]},
    )
    project.repro()
    for name in ("dvc.lock", "a", "b"):
        (project.root / name).unlink()
    found = {name: each.outcome for name, each in project.forecast().items()}
    assert found == project.outcomes() == {"a": "restored", "b": "restored"}


def test_what_would_be_restored_is_what_the_others_are_judged_by(project: Project) -> None:
    project.write("in", "1")
    stages = {
        "a": {"cmd": "cat in > a", "deps": ["in"], "outs": ["a"]},
        "b": {"cmd": "cat a > b", "deps": ["a"], "outs": ["b"]},
        "c": {"cmd": "cat b > c", "deps": ["b"], "outs": ["c"]},
        "d": {"cmd": "mkdir d; cat a > d/a", "deps": ["a"], "outs": ["d"]},
        "e": {"cmd": "cat d/a > e", "deps": ["d/a"], "outs": ["e"]},
    }
    project.stages(**stages)
    project.repro()
    stages["b"]["cmd"] = "cat a a > b"
    project.stages(**stages)
    project.write("in", "2")
    project.repro()
    project.write("in", "1")
    found = project.forecast()
    told = {name: each.outcome.value for name, each in found.items()}
    assert told == {"a": "restored", "b": "ran", "c": "ran", "d": "restored", "e": "ran"}
    assert [(reason.kind, reason.what) for reason in found["b"].reasons] == [("data", "a")]
    assert [reason.note for reason in found["c"].reasons] == ["would run"]
    assert [reason.note for reason in found["e"].reasons] == ["would be restored"]
    assert project.outcomes() == {**told, "e": "restored"}


def test_what_forces_a_stage_hides_no_other_reason(project: Project) -> None:
    project.write("params.yaml", "lr: 1\n")
    project.stages(a={"cmd": "echo > a", "params": ["lr"], "outs": ["a"]})
    project.repro()
    project.write("params.yaml", "lr: 2\n")
    wanted = [("forced", ""), ("parameter", "params.yaml:lr")]
    found = project.forecast(force=True)["a"].reasons
    assert [(reason.kind, reason.what) for reason in found] == wanted
    (stage,) = project.repro(force=True).run.stages
    assert [(reason.kind, reason.what) for reason in stage.reasons] == wanted


def test_a_missing_dependency_is_foreseen(project: Project) -> None:
    project.stages(a={"cmd": "cp in a", "deps": ["in"], "outs": ["a"]})
    found = project.forecast()["a"]
    assert found.outcome is Outcome.FAILED
    assert found.message.startswith("in does not exist, and a depends on it")


def test_a_folder_tells_how_many_of_its_files_changed(project: Project) -> None:
    for n in range(5):
        project.write(f"folder/sub/{n}", str(n))
    project.stages(
        a={"cmd": "cp -r folder made; echo > made/y", "deps": ["folder"], "outs": ["made"]},
        b={"cmd": "ls made > b", "deps": ["made"], "outs": ["b"]},
    )
    project.repro()
    project.write("folder/sub/1", "changed")
    project.write("folder/new", "new")
    (project.root / "folder/sub/2").unlink()
    (project.root / "made" / "sub" / "0").unlink()
    found = project.forecast()
    told = {name: {r.what: r.note for r in found[name].reasons} for name in ("a", "b")}
    assert told["a"]["folder"] == "3 of 6 files: 1 added, 1 removed, 1 changed"
    assert told["b"]["made"] == "1 of 6 files: 1 removed"
    shutil.rmtree(project.root / ".dvc" / "tmp" / "amelio" / "folders")
    reason = project.forecast()["a"].reasons[0]
    assert reason.old
    assert reason.new
    assert reason.old != reason.new


def test_a_hand_edited_output_is_kept_aside(project: Project) -> None:
    project.write("in", "1")
    project.stages(a={"cmd": "cat in > out", "deps": ["in"], "outs": ["out"]})
    project.repro()
    (project.root / "out").unlink()
    project.write("out", "by hand")
    project.write("in", "2")
    result = project.repro()
    assert project.read("out") == "2"
    kept = list(result.folder.glob("*/old/*"))
    assert [path.read_text() for path in kept] == ["by hand"]


def test_processes_left_behind_are_ended_before_the_outputs_are_read(project: Project) -> None:
    project.stages(a={"cmd": "(setsid sleep 60; echo late >> out) & echo > out", "outs": ["out"]})
    begun = time.monotonic()
    assert project.outcomes() == {"a": "ran"}
    assert time.monotonic() - begun < 15
    assert project.read("out") == "\n"


def test_a_command_that_is_too_long_for_a_message(project: Project) -> None:
    project.stages(a={"cmd": f": {'x' * 80_000}\necho made > out", "outs": ["out"]})
    assert project.outcomes() == {"a": "ran"}
    assert project.read("out") == "made\n"


def test_the_record_of_a_run(project: Project) -> None:
    work = "python3 -c 'for n in range(3_000_000): pass'; head -c 99999 /dev/zero > b"
    project.stages(a={"cmd": f"echo hello > a; echo said; {work}", "outs": ["a"]})
    result = project.repro()
    saved = records.load(result.folder / records.RECORD)
    assert saved.stages == result.run.stages
    (stage,) = saved.stages
    assert stage.usage is not None
    usage = stage.usage
    assert usage.peak_bytes > 0
    assert usage.cpu_s > 0.01
    assert usage.wall_s > 0.01
    assert usage.read_bytes + usage.written_bytes > 99999
    assert stage.log is not None
    assert stage.log.read_text() == "said\n"
    assert stage.outputs[0].size_bytes == 6
    raw = json.loads((result.folder / records.RECORD).read_text())
    assert raw["stages"][0]["reasons"][0]["kind"] == "never ran"


def test_old_records_go(project: Project) -> None:
    project.write("amelio.yaml", "records: {keep_runs: 2}\n")
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    for _ in range(4):
        result = project.repro(force=True)
    runs = result.folder.parent
    kept = sorted(runs.iterdir())
    assert len(kept) == 2
    assert project.outcomes() == {"a": "up to date"}
    assert sorted(runs.iterdir()) == kept  # a run in which nothing happened takes nobody's place


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({"a": {"cmd": "x", "deps": ["b"], "outs": ["a"]},
          "b": {"cmd": "x", "deps": ["a"], "outs": ["b"]}}, "dependency and an output"),
        ({"a": {"cmd": "x", "outs": ["d"]}, "b": {"cmd": "x", "outs": ["d/x"]}}, "overlap"),
        ({"a": {"cmd": "x", "outs": ["d"]}, "b": {"cmd": "x", "outs": ["d"]}}, "specified"),
        ({"a": {"cmd": "x", "meta": {"amelio": {"tiemout": 1}}}}, "did you mean 'timeout'"),
        ({"a": {"cmd": "x", "meta": {"amelio": {"resources": {"tape": 1}}}}}, "can never be had"),
        ({"a": {"cmd": "x", "meta": {"amelio": {"when": "param.x > 1"}}}}, "did you mean 'params'"),
        ({"a": {"cmd": "x", "meta": {"amelio": {"when": "1 +"}}}}, "not an expression"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_runs(
    project: Project, stages: dict[str, object], message: str
) -> None:
    project.stages(**stages)
    with pytest.raises(InputError, match=message):
        project.repro()
    assert not (project.root / "dvc.lock").exists()


@pytest.mark.parametrize(
    ("cmd", "message"),
    [
        ({"deps": ["b"], "outs": ["a"]}, "in a ring: sub/dvc.yaml:a, sub/dvc.yaml:b\n  take it"),
        (
            {"outs": ["b"]},
            "'sub/b' is .*: sub/dvc.yaml:a, sub/dvc.yaml:b\n  let one",
        ),
        ({"outs": ["b/x"]}, "overlap: .* of sub/dvc.yaml:b, .* of sub/dvc.yaml:a\n  name"),
    ],
)
def test_what_is_wrong_in_another_folder_is_told_with_its_place(
    project: Project, cmd: dict[str, object], message: str
) -> None:
    (project.root / "sub").mkdir()
    a, b = {"cmd": "x", **cmd}, {"cmd": "x", "deps": ["a"], "outs": ["b"]}
    project.write("dvc.yaml", "stages:\n  a: {cmd: echo}\n")
    project.write("sub/dvc.yaml", json.dumps({"stages": {"a": a, "b": b}}, indent=1))
    with pytest.raises(InputError, match=rf"^sub/dvc\.yaml:3: (.|\n)*{message}"):
        project.repro()


def test_an_unknown_target_gets_a_suggestion(project: Project) -> None:
    project.stages(train={"cmd": "true"})
    with pytest.raises(InputError, match=r"trian(.|\n)*did you mean 'train'"):
        project.repro("trian")


def test_a_missing_dependency_is_named(project: Project) -> None:
    project.stages(train={"cmd": "true", "deps": ["data", "other"], "outs": ["x"]})
    result = project.repro()
    assert result.exit_code == 1
    assert result.run.stages[0].message.startswith(
        "data, other do not exist, and train depends on it\n  make it, or fetch it with `dvc pull`"
    )


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml"])
def test_a_folder_where_a_file_should_be(project: Project, name: str) -> None:
    project.stages(a={"cmd": "true"})
    (project.root / name).unlink(missing_ok=True)
    (project.root / name).mkdir()
    with pytest.raises(InputError, match=rf"^{name}: it is a folder(.|\n)*checkout -- {name}`"):
        project.repro()


def test_a_lock_file_that_this_user_may_not_read(project: Project) -> None:
    project.stages(a={"cmd": "true"})
    project.write("dvc.lock", "schema: '2.0'\n").chmod(0)
    caps = "-dac_override,-dac_read_search"
    as_others = ["setpriv", "--bounding-set", caps] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_others, sys.executable, "-m", "amelio", "repro"], capture_output=True, text=True
    )
    assert done.returncode == 4, done.stderr
    assert "amelio: dvc.lock: Permission denied, but your user must" in done.stderr
    assert "chmod a+r dvc.lock" in done.stderr


def test_negative_jobs(project: Project) -> None:
    project.stages(train={"cmd": "true"})
    with pytest.raises(InputError, match="--jobs: expected at least 1, got -1"):
        project.repro(jobs=-1)


def test_an_edit_that_keeps_size_and_mtime_is_seen(project: Project) -> None:
    project.write("in", "1")
    project.write("folder/x", "1")
    project.stages(a={"cmd": "cat in folder/x > out", "deps": ["in", "folder"], "outs": ["out"]})
    assert project.outcomes() == {"a": "ran"}
    for name in ("in", "folder/x"):
        path = project.root / name
        stat = path.stat()
        with path.open("r+") as file:
            file.write("2")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert project.outcomes() == {"a": "ran"}
        assert project.is_clean()
    assert project.read("out") == "22"


def test_the_record_knows_revision_and_parameters(project: Project) -> None:
    project.write("params.yaml", "lr: 0.1\n")
    project.stages(a={"cmd": "echo > a", "params": ["lr"], "outs": ["a"]})
    assert project.repro().run.revision is None
    subprocess.run(["git", "add", "."], cwd=project.root, check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", "x"], cwd=project.root, check=True)
    result = project.repro(force=True)
    assert result.run.revision is not None
    raw = json.loads((result.folder / records.RECORD).read_text())
    assert raw["parameters"] == {"params.yaml": {"lr": 0.1}}
    project.write("params.yaml", "lr: 0.2\n")
    project.stages(
        a={"cmd": "false", "params": ["lr"], "outs": ["a"]},
        b={"cmd": "echo > b", "deps": ["a"], "params": ["lr"], "outs": ["b"]},
    )
    failed = project.repro()
    assert failed.exit_code == 1
    raw = json.loads((failed.folder / records.RECORD).read_text())
    assert raw["parameters"] == {"params.yaml": {"lr": 0.2}}


def test_a_dvc_of_an_untested_version(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.stages(a={"cmd": "true"})
    monkeypatch.setattr("amelio.dvcio.version.version", lambda _: "4.0.1")
    with pytest.raises(EnvironmentFailedError, match=r"DVC 4\.0\.1 is not a version"):
        project.repro()


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    plain = Project(tmp_path)
    first = {"cmd": "echo > a", "outs": ["a"]}
    plain.stages(a=first, b={"cmd": "cp a b", "deps": ["a"], "outs": ["b"]})
    assert set(plain.outcomes(jobs=2).values()) == {"ran"}
    assert instant(ReproWords()) == 0
    assert plain.is_clean()


def test_outside_of_a_dvc_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"not inside of a DVC repository(.|\n)*`dvc init`"):
        Project(tmp_path).repro()


def test_git_is_gone(project: Project) -> None:
    project.stages(a={"cmd": "echo > a", "outs": ["a"]})
    shutil.rmtree(project.root / ".git")
    with pytest.raises(EnvironmentFailedError, match=r"not a git repo(.|\n)*core.no_scm true"):
        project.repro()


def test_a_target_in_a_file_that_is_not_there(project: Project) -> None:
    project.write("part/dvc.yaml", "stages: {a: {cmd: echo > a, outs: [a]}}\n")
    with pytest.raises(InputError, match=r"prt/dvc.yaml is not there(.|\n)*mean 'part/dvc.yaml'"):
        project.repro("prt/dvc.yaml:a")


def test_missing_data_is_pulled(project: Project) -> None:
    project.write("data", "data")
    project.dvc("add", "--quiet", "data")
    project.stages(
        a={"cmd": "echo >> ran; cp data a", "deps": ["data"], "outs": ["a"]},
        b={"cmd": "echo >> ran; cp a b", "deps": ["a"], "outs": ["b"]},
    )
    assert project.outcomes()["b"] == "ran"
    project.dvc("remote", "add", "--quiet", "--default", "store", str(project.root / "store"))
    project.dvc("push", "--quiet")
    shutil.rmtree(project.root / ".dvc" / "cache")
    for name in ("data", "a", "b"):
        (project.root / name).unlink()
    assert project.outcomes(pull=True) == {"data.dvc": "pulled", "a": "pulled", "b": "pulled"}
    assert project.read("b") == "data"
    assert project.read("ran") == "\n\n"
