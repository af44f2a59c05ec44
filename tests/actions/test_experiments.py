"""Experiments on real Git and DVC, by the command line, as a user runs them."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from amelio.actions.experiment_run import noting
from amelio.engine.events import Event, EventKind
from amelio.experiments.entry import Order
from amelio.experiments.queue import Queue
from tests.actions.experiment_lab import Lab, until
from tests.tools import skip_without


def test_the_guides_sequence(lab: Lab) -> None:
    before = lab.footprint()
    for value in ("64", "128", "256"):
        said = lab.here("run", "--queue", "--set-param", f"size={value}")
        assert f"size={value}" in said
        assert "run all that waits: amelio exp run --run-all --jobs N" in said
    assert lab.refs() == {}
    said = lab.exp("run", "--queue", "--run-all", "--jobs", "4")
    assert "experiments: 3 done" in said
    refs = lab.refs()
    sizes = {lab.git("show", f"{commit}:params.yaml").split()[3] for commit in refs.values()}
    assert sizes == {"64", "128", "256"}
    for commit in refs.values():
        assert lab.git("show", f"{commit}:source.txt") == "source, edited"
        assert lab.git("show", f"{commit}:staged.txt") == "staged"
        assert lab.git("rev-parse", f"{commit}^") == lab.git("rev-parse", "HEAD")
    assert lab.footprint() == before
    assert lab.leftovers() == []
    assert set(lab.dvc("exp", "list", "--name-only").split()) == set(refs)
    assert lab.traced().count("prepared") == 1  # equal stages of experiments at once run once
    assert set(lab.traced()) == {"prepared", *refs}  # DVC_EXP_NAME was set


@pytest.mark.slow
def test_what_waits_in_dvcs_own_queue_is_told(lab: Lab) -> None:
    for name in ("a", "b"):
        lab.dvc("exp", "run", "--queue", "-S", "lr=2", "-n", name)
    told = "DVC's own queue holds 2: `dvc queue start -j N` runs them"
    assert told in lab.exp("run", "--run-all")
    lab.here("run", "--queue", "-n", "c")
    assert told in lab.exp("run", "--run-all")
    assert set(lab.refs()) >= {"c"}


def test_equal_stages_run_once_and_others_wait_for_the_result(lab: Lab) -> None:
    """Even where the lock file has an older result."""
    lab.exp("run", "-n", "first")
    pipeline = (lab.root / "dvc.yaml").read_text()
    (lab.root / "dvc.yaml").write_text(pipeline.replace("echo prepared", "sleep 1; echo prepared"))
    (lab.root / "source.txt").write_text("other source\n")
    lab.trace.unlink()
    lab.exp("run", "-S", "lr=5,6,7", "-n", "w", "-j", "3")
    assert sorted(lab.traced()) == ["prepared", "w-1", "w-2", "w-3"]
    for n in (1, 2, 3):
        assert lab.output(lab.refs()[f"w-{n}"], "model.txt") == f"other source\n{n + 4} 10\n"


def test_the_commit_is_the_one_that_dvc_makes(lab: Lab) -> None:
    lab.exp("run", "--temp", "-S", "lr=3", "-n", "ours")
    lab.dvc("exp", "run", "--temp", "-f", "-S", "lr=3", "-n", "theirs")
    ours, theirs = lab.refs()["ours"], lab.refs()["theirs"]
    assert lab.git("ls-tree", "-r", ours) == lab.git("ls-tree", "-r", theirs)
    for form in ("%P", "%B", "%an <%ae>", "%cn <%ce>"):
        assert lab.git("log", "-1", f"--format={form}", ours) == lab.git(
            "log", "-1", f"--format={form}", theirs
        )
    lab.dvc("exp", "apply", "ours")
    assert (lab.root / "model.txt").read_text() == "source, edited\n3 10\n"


def test_in_the_workspace_the_commit_is_the_same_too(lab: Lab) -> None:
    index = (lab.root / ".git" / "index").read_bytes()
    said = lab.exp("run", "-S", "lr=4", "-n", "here")
    assert "experiment here: its results are in your workspace" in said
    assert (lab.root / "model.txt").read_text() == "source, edited\n4 10\n"
    assert "here" in lab.traced()
    assert (lab.root / ".git" / "index").read_bytes() == index
    lab.exp("run", "--temp", "-S", "lr=4", "-n", "there")
    ours, theirs = lab.refs()["here"], lab.refs()["there"]
    assert lab.git("ls-tree", "-r", ours) == lab.git("ls-tree", "-r", theirs)


def test_values_that_a_failure_leaves_in_the_workspace_are_told(lab: Lab) -> None:
    def last_line(*words: str) -> str:
        return lab.start("run", *words).communicate(timeout=120)[0].splitlines()[-1]

    told = "-S left its values in params.yaml: `git checkout params.yaml` takes them back"
    for _ in range(2):
        assert last_line("-S", "lr=13").startswith(told)
    lab.git("checkout", "params.yaml")
    assert last_line("-S", "lr=13", "nope") == told  # it is no stage
    assert last_line("-S", "lr=13") == f"{told}, and your own changes there"
    lab.git("checkout", "params.yaml")
    assert "-S left" not in lab.exp("run", "-S", "lr=5", "-n", "a")
    process = lab.start("run", "-S", "lr=6", "-n", "a")  # the name is taken, so nothing is set
    assert process.communicate(timeout=120)[0] == ""


def test_how_long_an_experiment_in_the_workspace_took_is_known_and_what_it_printed(
    lab: Lab,
) -> None:
    lab.exp("run", "-S", "lr=4", "-S", "seconds=1", "-n", "here")
    (shown,) = json.loads(lab.here("show", "--json"))[1]["experiments"]
    assert 1 < shown["amelio"]["duration_s"] < 60
    assert "training" in lab.here("logs", "here")
    (entry,) = lab.status()
    assert (entry["order"]["name"], entry["status"]) == ("here", "done")
    assert entry["metrics"] == {"metrics.json:score": 4.0}
    lab.here("remove", "here")
    assert lab.status() == []


@pytest.mark.parametrize("words", [(), ("--temp",)], ids=["here", "in a worktree"])
def test_a_metrics_file_that_is_broken_is_no_reason_to_lose_the_experiment(
    lab: Lab, words: tuple[str, ...]
) -> None:
    pipeline = (lab.root / "dvc.yaml").read_text().replace("printf '{", "printf '{{")
    (lab.root / "dvc.yaml").write_text(pipeline)
    lab.exp("run", *words, "-S", "lr=4", "-n", "broken")
    assert "broken" in lab.refs()
    (entry,) = lab.status()
    assert (entry["status"], entry["metrics"]) == ("done", {})


def test_a_grid_is_a_product_and_names_count(lab: Lab) -> None:
    said = lab.exp("run", "-S", "lr=1,2", "-S", "size=range(5,8)", "-n", "g", "-j", "3")
    assert "experiments: 6 done" in said
    assert set(lab.refs()) == {f"g-{n}" for n in range(1, 7)}
    models = {
        lab.git("show", f"{c}:dvc.lock").partition("model.txt")[2] for c in lab.refs().values()
    }
    assert len(models) == 6
    assert "Duration" in lab.here("show", "--md").splitlines()[0]


@pytest.mark.slow
def test_some_of_a_grid_at_random(lab: Lab) -> None:
    words = ("run", "--queue", "-S", "lr=1,2,3,4", "-S", "size=1,2,3", "--random", "5")
    first = lab.here(*words, "--seed", "1").splitlines()
    again = lab.here(*words, "--seed", "1").splitlines()
    values = [[line.partition(": ")[2] for line in said] for said in (first, again)]
    assert values[0] == values[1]
    assert len(set(values[0])) == 5


def test_what_cannot_be_set_or_run_is_told_and_nothing_is_queued(
    lab: Lab,
) -> None:
    before = lab.footprint()
    for words, told in (
        (["-S", "train.lr=1"], "params.yaml has no 'train'"),
        (["-S", "siez=1,2"], "did you mean 'size'?"),
        (["-S", "lr=glob(*)"], "not supported.\n  a value is one word, a list"),
        (["-S", "other.yaml:lr=1"], "no such parameters file"),
        (["-S", "lr=[1"], "lr=[1"),
        (["-S", "lr=a;b"], "lr=a;b: not a value in Hydra's grammar\n  a value is one word"),
        (["-S", "lr"], "expected NAME=VALUE"),
        (["trian"], "did you mean 'train'?"),
        (["-n", "a/b"], "Invalid exp name"),
        (["-C", "nowhere"], "--copy-paths: nowhere"),
    ):
        assert told in lab.here("run", "--queue", *words, code=2)
    assert not (lab.home / "queue.db").exists()
    assert lab.footprint() == before


@pytest.mark.slow
def test_parameters_can_be_added_and_taken_away(lab: Lab) -> None:
    lab.exp("run", "--temp", "-S", "+extra=7", "-S", "~seconds", "-n", "a", "train", code=1)
    (found,) = lab.status()
    assert found["status"] == "failed"  # as `seconds` is in the command
    lab.exp("run", "--temp", "-S", "+extra=7", "-n", "b")
    assert "extra: 7" in lab.git("show", f"{lab.refs()['b']}:params.yaml")


def test_a_failure_is_told_with_its_log_and_can_be_tried_again(lab: Lab) -> None:
    before = lab.footprint()
    said = lab.start("run", "-S", "lr=13,14", "-n", "e", "-j", "2").communicate(timeout=120)[0]
    assert "[e-1] failed" in said
    assert "train: its command failed with exit code 1" in said
    assert ": training\n" in said
    assert set(lab.refs()) == {"e-2"}
    assert "== train\ntraining\n" in lab.here("logs", "e-1")
    assert "did you mean 'e-1'?" in lab.here("logs", "e1", code=2)
    assert "queued again: e-1" in lab.here("retry")
    told = json.loads(lab.here("status", "--json"))
    assert [e["status"] for e in told] == ["queued", "done"]
    lab.here("stop", "--all")
    assert [e["status"] for e in lab.status()] == ["stopped", "done"]
    assert lab.footprint() == before


def test_what_failed_has_no_metric_of_the_commit_that_it_started_from(lab: Lab) -> None:
    (lab.root / "metrics.json").write_text('{"score": 5}')
    lab.git("add", "metrics.json")
    lab.exp("run", "-S", "lr=13,14", "-n", "e", "-j", "2", code=1)
    assert [e["metrics"] for e in lab.status()] == [{}, {"metrics.json:score": 14.0}]


def test_what_failed_or_waits_is_shown_with_its_values_and_can_be_removed(lab: Lab) -> None:
    lab.exp("run", "--temp", "-S", "lr=13", "-n", "e", code=1)
    lab.here("run", "--queue", "-S", "lr=15,0.5", "-S", "seconds=[1]", "-n", "w")
    shown = json.loads(lab.here("show", "--json", "--filter", "params.lr < 14"))[1]["experiments"]
    values = {
        (each["executor"]["state"], each["revs"][0]["data"]["params"]["params.yaml"]["data"]["lr"])
        for each in shown
    }
    assert values == {("failed", 13), ("queued", 0.5)}
    (failed,) = (each["amelio"] for each in shown if "amelio" in each)
    assert failed["message"] == "train: training"
    assert 0 < failed["duration_s"] < 60
    text = lab.here("show", "--only-changed")
    assert {"Duration", "lr"} <= set(text.splitlines()[0].split())
    assert "size" not in text.splitlines()[0].split()
    assert [word in text for word in ("Failed", "Queued", "[w-2]")] == [True] * 3
    hidden = lab.here("show", "--hide-failed", "--hide-queued")
    assert [word in hidden for word in ("Failed", "Queued", "[w-2]")] == [False] * 3
    assert "Removed from amelio's queue: 'e', 'w-1'" in lab.here("remove", "e", "w-1")
    assert [e["order"]["name"] for e in lab.status()] == ["w-2"]
    assert list(lab.home.glob("logs/*")) == []
    assert "Removed from amelio's queue: 'w-2'" in lab.here("remove", "--queue")
    assert lab.status() == []


def test_a_name_is_given_once(lab: Lab) -> None:
    lab.here("run", "--queue", "-n", "a")
    assert "'a' already waits or runs" in lab.here("run", "--queue", "-n", "a", code=2)
    lab.exp("run", "--run-all")
    assert "there is an experiment 'a' already" in lab.here("run", "-n", "a", code=2)
    first = lab.refs()["a"]
    lab.exp("run", "-S", "lr=5", "-n", "a", "-f", "--temp")
    assert lab.refs()["a"] != first


def test_a_killed_worker_is_replaced(lab: Lab) -> None:
    process = lab.start("run", "-S", "lr=1,2", "-S", "seconds=5", "-n", "k", "-j", "2")
    until(lambda: {"k-1", "k-2"} <= set(lab.traced()))
    victim = next(e for e in lab.status() if e["order"]["name"] == "k-1")
    os.kill(victim["pid"], signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "[k-1] starts (try 2)" in said
    assert set(lab.refs()) == {"k-1", "k-2"}
    assert lab.traced().count("k-1") == 2
    assert lab.leftovers() == []


def test_nothing_is_lost_when_everything_is_killed(lab: Lab) -> None:
    before = lab.footprint()
    process = lab.start("run", "-S", "lr=1,2,3", "-S", "seconds=2", "-n", "k", "-j", "2")
    until(lambda: {"k-1", "k-2"} <= set(lab.traced()))
    process.kill()
    process.communicate()
    until(lambda: all(e["status"] != "running" for e in lab.status()), 10)
    assert [e["status"] for e in lab.status()] == ["queued"] * 3
    assert lab.footprint() == before
    assert "experiments: 3 done" in lab.exp("run", "--run-all", "-j", "3")
    assert set(lab.refs()) == {"k-1", "k-2", "k-3"}
    assert lab.footprint() == before
    assert lab.leftovers() == []


def test_ctrl_c_gives_back_what_runs(lab: Lab) -> None:
    process = lab.start("run", "-S", "seconds=20", "-n", "long", "--temp")
    until(lambda: "long" in lab.traced())
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "amelio exp run --run-all" in said
    (found,) = lab.status()
    assert (found["status"], found["tries"]) == ("queued", 0)
    assert lab.leftovers()[:-1] == []  # but for the ref to what it starts from


def test_detached_ones_go_on_and_can_be_stopped_and_followed(lab: Lab) -> None:
    said = lab.exp("run", "--detach", "-S", "seconds=1,30", "-n", "d", "-j", "2")
    assert "2 experiments run in the background" in said
    assert "training" in lab.exp("logs", "d-1", "--follow")
    until(lambda: "d-2" in lab.traced())
    assert "d-2 stopped" in lab.here("stop", "d-2")
    until(lambda: not list((lab.home / "worktrees").glob("[0-9]*")))
    assert [e["status"] for e in lab.status()] == ["done", "stopped"]


@pytest.mark.slow
def test_a_branch_that_is_switched_meanwhile_changes_nothing(lab: Lab) -> None:
    lab.git("commit", "-qam", "second")
    base = lab.git("rev-parse", "HEAD")
    process = lab.start("run", "-S", "lr=2", "-S", "seconds=2", "-n", "b", "--temp")
    until(lambda: "b" in lab.traced())
    lab.git("checkout", "-q", "-b", "other")
    (lab.root / "source.txt").write_text("something else\n")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert lab.git("rev-parse", f"{lab.refs()['b']}^") == base
    assert lab.git("show", f"{lab.refs()['b']}:source.txt") == "source, edited"
    assert lab.git("rev-parse", "--abbrev-ref", "HEAD") == "other"


def test_new_files_that_stages_name_come_along(lab: Lab) -> None:
    (lab.root / "helper.sh").write_text("echo helped > helped.txt\n")
    (lab.root / "extra.txt").write_text("extra\n")
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  h:\n    cmd: sh helper.sh; cat extra.txt >> helped.txt\n"
        "    deps: [helper.sh]\n    outs: [helped.txt]\n"
    )
    said = lab.exp("run", "--temp", "-C", "extra.txt", "-n", "h")
    assert "copied, as Git does not have them: extra.txt, helper.sh" in said
    assert "helper.sh" in lab.git("ls-tree", "--name-only", lab.refs()["h"]).split()


def test_data_that_is_missing_and_submodules_are_there_for_stages(lab: Lab) -> None:
    (lab.root / "data.txt").write_text("data\n")
    lab.dvc("add", "-q", "data.txt")
    lab.git("init", "-q", "../other")
    other = Lab(lab.root.parent / "other", lab.trace)
    (other.root / "file").write_text("content\n")
    other.git("add", ".")
    other.git("-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "a")
    for name in ("one", "two"):
        lab.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../other", name)
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  c:\n    cmd: cat data.txt one/file two/file > copy.txt\n"
        "    deps: [data.txt, one, two/file]\n    outs: [copy.txt: {cache: false}]\n"
    )
    lab.git("add", ".")
    lab.git("commit", "-qm", "data")
    (lab.root / "data.txt").unlink()
    for words in (("-n", "here"), ("-n", "there", "--temp")):
        lab.exp("run", *words)
        assert lab.git("show", f"{lab.refs()[words[1]]}:copy.txt") == "data\ncontent\ncontent"
    here, there = lab.refs()["here"], lab.refs()["there"]
    assert lab.git("ls-tree", "-r", here) == lab.git("ls-tree", "-r", there)


@pytest.mark.slow
def test_dry_says_what_would_run_and_leaves_nothing(lab: Lab) -> None:
    before = lab.footprint()
    said = lab.exp("run", "--dry", "-S", "lr=2,3")
    assert "lr=2:" in said
    assert "lr=3:" in said
    assert "train" in said
    assert lab.traced() == []
    assert lab.footprint() == before
    assert lab.leftovers() == []
    assert lab.status() == []


@pytest.mark.slow
def test_data_changed_since_dvc_add_is_taken_as_it_is(lab: Lab) -> None:
    (lab.root / "data.txt").write_text("old\n")
    lab.dvc("add", "-q", "data.txt")
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  c:\n    cmd: cat data.txt > copy.txt\n"
        "    deps: [data.txt]\n    outs: [copy.txt: {cache: false}]\n"
    )
    lab.git("add", ".")
    lab.git("commit", "-qm", "data")
    (lab.root / "data.txt").write_text("new\n")
    before = lab.footprint()
    lab.exp("run", "--temp", "-n", "d")
    assert lab.git("show", f"{lab.refs()['d']}:copy.txt") == "new"
    assert lab.footprint() == before
    lab.dvc("exp", "run", "--temp", "-n", "theirs")
    ours, theirs = (lab.git("ls-tree", "-r", lab.refs()[name]) for name in ("d", "theirs"))
    assert ours == theirs


@pytest.mark.slow
def test_a_project_in_a_subfolder_with_settings_of_its_own(lab: Lab) -> None:
    sub = lab.root / "sub" / "project"
    sub.mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml", "source.txt", ".gitignore"):
        shutil.copy(lab.root / name, sub / name)
    inner = Lab(sub, lab.trace)
    shutil.rmtree(lab.root / ".dvc")
    (lab.root / "dvc.yaml").unlink()
    inner.dvc("init", "-q", "--subdir")
    inner.dvc("remote", "add", "-q", "-d", "near", "../../../store")
    inner.dvc("remote", "modify", "--local", "near", "jobs", "3")
    lab.git("add", "-A")
    lab.git("commit", "-qm", "moved")
    (sub / "params.yaml").write_text("lr: 1\nsize: 11\nseconds: 0\n")
    (sub / "dvc.yaml").write_text(
        (sub / "dvc.yaml")
        .read_text()
        .replace("echo training;", "cp .dvc/config.local $TRACE.config; echo training;")
    )
    inner.exp("run", "--temp", "-S", "lr=6", "-n", "inner")
    tree = f"{inner.refs()['inner']}:sub/project"
    params = lab.git("show", f"{tree}/params.yaml").replace("\n", " ")
    assert params == "lr: 6 size: 11 seconds: 0"
    assert "dvc.lock" in lab.git("ls-tree", "--name-only", tree).split()
    config = Path(f"{lab.trace}.config").read_text()
    assert f"url = {lab.root.parent / 'store'}" in config
    assert "jobs = 3" in config
    assert f"dir = {sub / '.dvc' / 'cache'}" in config


@pytest.mark.slow
def test_a_worktree_used_again_is_like_new(lab: Lab) -> None:
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  a:\n    cmd: ls -A > seen.txt; touch litter.txt ignored.log;"
        " echo ${lr} > model.txt\n    params: [lr]\n"
        "    outs: [seen.txt: {cache: false}, model.txt]\n"
    )
    (lab.root / ".gitignore").write_text("/model.txt\n*.log\n")
    lab.exp("run", "-S", "lr=1,2,3", "-n", "r", "-j", "1")
    seen = [lab.git("show", f"{lab.refs()[f'r-{n}']}:seen.txt").split() for n in (1, 2, 3)]
    assert seen[0] == seen[1] == seen[2]
    assert "litter.txt" not in seen[2]
    assert "ignored.log" not in seen[2]


def test_gpus_are_shared_out_among_experiments(lab: Lab) -> None:
    (lab.root / "amelio.yaml").write_text("resources: {gpu: 2}\n")
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  g:\n    cmd: echo + $CUDA_VISIBLE_DEVICES >> $TRACE; sleep 0.3;"
        " echo - $CUDA_VISIBLE_DEVICES >> $TRACE; echo ${lr} > model.txt\n"
        "    params: [lr]\n    outs: [model.txt]\n    meta: {amelio: {resources: {gpu: 1}}}\n"
    )
    lab.git("add", "amelio.yaml")
    lab.exp("run", "-S", "lr=1,2,3,4,5", "-j", "5")
    held: set[str] = set()
    words = lab.traced()
    for sign, gpu in zip(words[::2], words[1::2], strict=True):
        assert (gpu in held) == (sign == "-")
        held ^= {gpu}
    assert set(words) == {"+", "-", "0", "1"}


def test_what_an_experiment_waits_for_is_told(lab: Lab) -> None:
    with (lab.root / "dvc.yaml").open("a") as file:
        file.write("    meta: {amelio: {resources: {cpu: all}}}\n")
    with lab.start("run", "-S", "lr=1,2", "-S", "seconds=2", "-n", "w", "-j", "2") as process:
        queue = Queue(lab.home / "queue.db")
        waiting = {"train waits for all jobs", "prepare waits for a job"}
        until(lambda: {"train"} < {entry.stage for entry in queue.all()} <= {"train", *waiting})
        queue.close()
        process.communicate(timeout=60)
    assert {e["status"] for e in lab.status()} == {"done"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")
def test_a_stage_that_needs_all_jobs_gets_them_while_later_experiments_have_work(lab: Lab) -> None:
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  early:\n    cmd: echo early >> $TRACE;"
        " until grep -qx 1 $TRACE; do sleep 0.05; done; echo > early.txt\n"
        "    outs: [early.txt]\n  all:\n    cmd: echo all >> $TRACE; echo > all.txt\n"
        "    deps: [early.txt]\n    outs: [all.txt]\n"
        "    meta: {amelio: {resources: {cpu: all}}}\n  many:\n"
        f"    foreach: {list(range(40))}\n    do:\n"
        "      cmd: echo ${item} >> $TRACE; grep -qx all $TRACE || sleep 0.3; echo > many-${item}\n"
        "      outs:\n      - many-${item}\n"
    )
    lab.here("run", "--queue", "-n", "first", "all")
    with lab.start("run", "--run-all", "-j", "2") as process:
        until(lambda: "early" in lab.traced())
        lab.here("run", "--queue", "-n", "second", "many")
        lab.exp("run", "--run-all", "-j", "2")
        process.communicate(timeout=60)
    words = lab.traced()
    assert len(words) == 42
    assert words.index("all") < 41


def test_a_stage_that_is_up_to_date_waits_for_nobody(lab: Lab) -> None:
    """Neither does what comes after it: both stages `meet` run at the same time, or not at all."""
    (lab.root / "dvc.yaml").write_text(
        "stages:\n  alone:\n    cmd: cat source.txt > prepared.txt\n    deps: [source.txt]\n"
        "    outs: [prepared.txt]\n    meta: {amelio: {resources: {cpu: all}}}\n"
        "  meet:\n    cmd: echo ${lr} >> $TRACE; while test $(wc -l < $TRACE) -lt 2; do"
        " sleep 0.1; done; echo ${lr} > model.txt\n    deps: [prepared.txt]\n    params: [lr]\n"
        "    outs: [model.txt]\n    meta: {amelio: {timeout: 60s}}\n"
    )
    lab.exp("run", "-n", "first", "alone")
    lab.git("add", "dvc.lock")
    lab.exp("run", "-S", "lr=1,2", "-n", "w", "-j", "2")
    assert {"w-1", "w-2"} < set(lab.refs())


def test_what_an_experiment_waited_before_its_first_stage_is_no_duration(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db", lambda: 10.0)
    queue.add([Order("a", "b" * 40, "c" * 40)], "batch")
    found = queue.claim(os.getpid())
    assert found is not None
    listen = noting(queue, found)
    seen = []
    for event in (
        Event(EventKind.WAITING, 20.0, "one", message="gpu"),
        Event(EventKind.STARTED, 30.0, "one"),
        Event(EventKind.NOTE, 35.0, "one"),
        Event(EventKind.STARTED, 40.0, "two"),
    ):
        listen(event)
        (now,) = queue.all()
        seen.append((now.stage, now.started))
    queue.close()
    assert seen == [("one waits for gpu", 10.0), ("one", 30.0), ("one", 30.0), ("two", 30.0)]


def test_without_a_commit_or_in_a_merge_it_is_told_what_to_do(lab: Lab) -> None:
    lab.git("stash", "-q")
    lab.git("checkout", "-q", "-b", "other")
    (lab.root / "notes.txt").write_text("theirs\n")
    lab.git("commit", "-qam", "theirs")
    lab.git("checkout", "-q", "-")
    (lab.root / "notes.txt").write_text("ours\n")
    lab.git("commit", "-qam", "ours")
    subprocess.run(["git", "merge", "-q", "other"], cwd=lab.root, capture_output=True)
    before = lab.footprint()
    assert "a merge is not finished: notes.txt" in lab.here("run", "--temp", code=2)
    assert lab.footprint() == before
    shutil.rmtree(lab.root / ".git")
    lab.git("init", "-q")
    assert "experiments need a first commit" in lab.here("run", "--temp", code=2)
    shutil.rmtree(lab.root / ".git")
    assert "experiments need a Git repository" in lab.here("run", "--temp", code=2)


@pytest.mark.slow
def test_a_detached_head_and_a_shallow_clone_will_do(lab: Lab, tmp_path: Path) -> None:
    lab.git("commit", "-qam", "second")
    shallow = tmp_path / "shallow"
    lab.git("clone", "-q", "--depth", "1", f"file://{lab.root}", str(shallow))
    clone = Lab(shallow, lab.trace)
    for key, value in (("user.name", "Ada"), ("user.email", "a@b")):
        clone.git("config", key, value)
    clone.git("checkout", "-q", "--detach")
    before = clone.footprint()
    clone.exp("run", "--temp", "-n", "s")
    assert set(clone.refs()) == {"s"}
    assert clone.footprint() == before


def test_a_cache_that_takes_nothing_is_told_before_anything_runs(lab: Lab) -> None:
    lab.dvc("config", "--local", "cache.dir", str(lab.root / "notes.txt" / "cache"))
    lab.here("run", "--queue")
    said = lab.exp("run", "--run-all", code=4)
    assert "nothing can be stored in DVC's cache" in said
    assert "what is queued waits: `amelio exp run --run-all` goes on" in said
    assert [e["status"] for e in lab.status()] == ["queued"]
    assert lab.traced() == []


def test_without_a_place_for_worktrees_all_fail_and_say_so(lab: Lab) -> None:
    before = lab.footprint()
    lab.home.mkdir(parents=True)
    (lab.home / "worktrees").touch()
    lab.exp("run", "-S", "lr=5,6,7", "-n", "w", "-j", "2", code=1)
    found = lab.status()
    assert {e["status"] for e in found} == {"failed"}
    assert all("cannot make a worktree: " in e["message"] for e in found)
    (lab.home / "worktrees").unlink()
    lab.here("retry")
    lab.exp("run", "--run-all", "-j", "2")
    assert set(lab.refs()) == {"w-1", "w-2", "w-3"}
    assert lab.footprint() == before
    assert lab.leftovers() == []


@pytest.mark.parametrize("room", ["size=2m", "size=2m,nr_inodes=3"], ids=["one", "none"])
def test_a_full_disk_is_told_and_what_it_stopped_can_be_retried(lab: Lab, room: str) -> None:
    (lab.root / "big").write_bytes(os.urandom(1_500_000))
    lab.git("add", "big")
    before = lab.footprint()
    trees = lab.home / "worktrees"
    trees.mkdir(parents=True)
    mounted = f"mount -t tmpfs -o {room} tmpfs {trees}"  # for one worktree, or for none
    words, python = "exp run -S lr=5,6 -n full -j 2", shlex.quote(sys.executable)
    process = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mounted} && {python} -m amelio {words}"],
        cwd=lab.root,
        env={**os.environ, "TRACE": str(lab.trace)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "mount" in process.stderr or "unshare" in process.stderr:
        skip_without("mounts", process.stderr)
    failed = [e for e in lab.status() if e["status"] == "failed"]
    assert len(failed) >= 1, process.stdout
    for told in (entry["message"] for entry in failed):  # a worktree, or a command beside it
        assert " are free at " in told or "; the disk of " in told
    assert lab.footprint() == before
    assert lab.leftovers()[:-1] == []
    lab.here("retry")
    lab.exp("run", "--run-all", "-j", "2")
    assert set(lab.refs()) == {"full-1", "full-2"}
    assert lab.footprint() == before
    assert lab.leftovers() == []
