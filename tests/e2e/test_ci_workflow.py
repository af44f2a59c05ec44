"""The workflow of `amelio ci github`, step by step, from fresh clones, against an S3 server."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from amelio.ci.github import WORKFLOW
from tests.e2e.runner import Runner, steps_of

PIPELINE = """\
stages:
  prepare:
    cmd: cat raw/*.txt > prepared.txt && echo prepare >> $RUNS
    deps: [raw]
    outs: [prepared.txt]
  train:
    cmd: python train.py && echo train >> $RUNS
    deps: [prepared.txt, train.py]
    params: [accuracy]
    outs: [model.txt]
    metrics: [fit.json]
  evaluate:
    cmd: python evaluate.py && echo evaluate >> $RUNS
    deps: [model.txt, evaluate.py]
    metrics:
    - scores.json: {cache: false}
"""
TRAIN = """\
import pathlib, re
accuracy = float(re.search("accuracy: (.*)", pathlib.Path("params.yaml").read_text())[1])
pathlib.Path("fit.json").write_text('{"parameters": 3}')
pathlib.Path("model.txt").write_text(f"{accuracy} {pathlib.Path('prepared.txt').stat().st_size}")
"""
EVALUATE = """\
import json, pathlib
accuracy = float(pathlib.Path("model.txt").read_text().split()[0])
pathlib.Path("scores.json").write_text(json.dumps({"accuracy": accuracy}))
"""
RULES = """\
quality:
  rules:
    accuracy: {metric: "scores.json:accuracy", alert_below: 0.5}
    size: {metric: "fit.json:parameters", alert_above: 4}
"""
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret-value"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    with urlopen(Request(f"{address}/bucket", method="PUT")):
        pass
    yield address
    server.stop()


@pytest.fixture(scope="module")
def original(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that ran, its data in the bucket, its workflow written; branch `main`."""
    root = tmp_path_factory.mktemp("original")
    for words in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.org"),
    ):
        git(root, *words)
    files = {
        "dvc.yaml": PIPELINE, "train.py": TRAIN, "evaluate.py": EVALUATE,
        "params.yaml": f"accuracy: 0.75\n{RULES}",
        "raw/a.txt": "a\n", "raw/b.txt": "b\n", ".gitattributes": "* -text\n",
    }  # fmt: skip
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    script = [
        "dvc init -q",
        "dvc remote add -q -d store s3://bucket/dvc",
        f"dvc remote modify -q store endpointurl {s3}",
        "dvc add -q raw",
        "amelio repro -q",
        "dvc push -q",
        "amelio ci github --python 3.12 --install 'amelio --version'",
    ]
    own = {"RUNS": os.devnull, "PATH": path_with_amelio(), "DVC_NO_ANALYTICS": "1"}
    environment = {**os.environ, **own, **KEYS}
    subprocess.run(["bash", "-ec", "\n".join(script)], cwd=root, env=environment, check=True)
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Pipeline")
    return root


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "project", symlinks=True))


def git(folder: Path, *words: str) -> str:
    """Run git."""
    return subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def run_workflow(
    project: Path, place: Path, name: str, event: str, secrets: dict[str, str] | None = None
) -> Runner:
    """Clone the project's present branch, and run the job in the clone."""
    clone = place / name / "clone"
    git(place, "clone", "--quiet", str(project), str(clone))
    folder = place / name / "runner"
    runs = place / name / "runs"
    runs.write_text("")
    given = KEYS if secrets is None else secrets
    values = {f"secrets.{key}": value for key, value in given.items()}
    variables = {"RUNS": str(runs), "PATH": path_with_amelio()}
    runner = Runner(clone, folder, event, values, variables)
    runner.run(steps_of(clone / WORKFLOW, "pipeline"))
    return runner


def path_with_amelio() -> str:
    """The search path with the programs beside Python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def executed(runner: Runner) -> list[str]:
    """The stages whose commands ran."""
    return (runner.workspace.parent / "runs").read_text().split()


def change(project: Path, accuracy: float) -> None:
    """Another accuracy, on a branch of its own."""
    git(project, "checkout", "-q", "-b", "better")
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("0.75", str(accuracy)))
    git(project, "commit", "-q", "--all", "-m", "Another accuracy")


def test_a_push_and_a_pull_request(project: Path, tmp_path: Path) -> None:
    same = run_workflow(project, tmp_path, "same", "push")
    assert not same.has_failed, same.output
    assert executed(same) == []
    assert not (same.workspace / "raw").exists()  # nothing was fetched that nothing needs
    assert same.ran[-1] == "Push the results"
    assert "accuracy" in same.summary
    assert "✅ All 2 rules hold." in same.summary  # one of them is about a metric that DVC keeps
    kept = same.store / "artifacts/reports/reports"
    assert "| `parameters` |" in (kept / "metrics_report.md").read_text()

    change(project, 0.875)
    better = run_workflow(project, tmp_path, "better", "pull_request")
    assert not better.has_failed, better.output
    assert executed(better) == ["train", "evaluate"]
    assert not (better.workspace / "raw").exists()
    assert "0.875" in better.summary
    comment = (better.store / "artifacts/comment/comment.md").read_text()
    assert "0.75" in comment
    assert "0.875" in comment
    assert (kept / "report.html").is_file()
    assert "Push the results" not in better.ran
    everything = "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    )
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in everything


@pytest.mark.slow
def test_what_a_push_made_is_not_made_again(project: Path, tmp_path: Path) -> None:
    change(project, 0.875)
    pushed = run_workflow(project, tmp_path, "pushed", "push")
    assert executed(pushed) == ["train", "evaluate"]
    again = run_workflow(project, tmp_path, "again", "push")
    assert not again.has_failed, again.output
    # from the run cache and the remote; but DVC pushes nothing that Git keeps, as the scores are
    assert executed(again) == ["evaluate"]
    assert json.loads((again.workspace / "scores.json").read_text()) == {"accuracy": 0.875}


@pytest.mark.slow
def test_a_shut_gate_fails_the_job_and_is_reported(project: Path, tmp_path: Path) -> None:
    change(project, 0.25)
    worse = run_workflow(project, tmp_path, "worse", "pull_request")
    assert worse.has_failed
    assert "the quality gate is shut" in worse.output
    assert "alert" in worse.summary
    assert "0.25" in (worse.store / "artifacts/comment/comment.md").read_text()


@pytest.mark.slow
def test_a_fork_without_secrets_is_told_what_it_lacks(project: Path, tmp_path: Path) -> None:
    change(project, 0.8)
    fork = run_workflow(project, tmp_path, "fork", "pull_request", {})
    assert fork.has_failed
    assert "Traceback" not in fork.output
    assert "cannot be fetched" in fork.output
    assert "Report" in fork.ran
    assert fork.summary


GH = """\
#!/usr/bin/env python3
import json, pathlib, subprocess, sys
words, store = sys.argv[1:], pathlib.Path("comments.json")
comments = json.loads(store.read_text()) if store.exists() else []
assert words.pop(0) == "api"
body = [pathlib.Path(w[6:]).read_text() for w in words if w.startswith("body=@")]
if not body:
    for n, text in enumerate(comments):
        if text.startswith("<!-- amelio -->"):
            print(n)
elif "PATCH" in words:
    place = next(w for w in words if w.startswith("repos/"))
    assert place.startswith("repos/ada/project/issues/comments/"), place
    comments[int(place.rpartition("/")[2])] = body[0]
else:
    assert "repos/ada/project/issues/7/comments" in words
    comments += body
store.write_text(json.dumps(comments))
"""


def test_one_comment_is_written_and_then_edited(project: Path, tmp_path: Path) -> None:
    place = tmp_path / "comment"
    place.mkdir()
    (place / "gh").write_text(GH)
    (place / "gh").chmod(0o755)
    (place / "comments.json").write_text(json.dumps(["a person's"]))
    step = steps_of(project / WORKFLOW, "comment")["steps"][-1]
    env = {"GH_TOKEN": "t", "REPOSITORY": "ada/project", "NUMBER": "7"}
    assert step["env"].keys() == env.keys()
    for text in ("first", "second $(touch pwned) `x` ${HOME}"):
        (place / "comment.md").write_text(text)
        subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=place,
            env={**os.environ, **env, "PATH": f"{place}:{os.environ['PATH']}"},
            check=True,
        )
    found = json.loads((place / "comments.json").read_text())
    assert found == ["a person's", "<!-- amelio -->\nsecond $(touch pwned) `x` ${HOME}"]
    assert not (place / "pwned").exists()
