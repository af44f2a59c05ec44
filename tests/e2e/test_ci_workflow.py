"""The workflow of `amelio ci github`, step by step, from fresh clones, against an S3 server."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amelio.ci.github import WORKFLOW
from tests.conftest import Run
from tests.e2e.runner import Runner, steps_of

pytestmark = pytest.mark.slow  # five fresh clones with all that a runner does in them

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
  evaluate:
    cmd: python evaluate.py && echo evaluate >> $RUNS
    deps: [model.txt, evaluate.py]
    metrics:
    - scores.json: {cache: false}
"""
TRAIN = """\
import pathlib, re
accuracy = float(re.search("accuracy: (.*)", pathlib.Path("params.yaml").read_text())[1])
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
"""
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret-value"}


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="very-secret-value",
    ).create_bucket(Bucket="bucket")
    yield address
    server.stop()


@pytest.fixture
def project(repository: Path, amelio: Run, s3: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline that ran, its data in the bucket, its workflow written; branch `main`."""
    monkeypatch.setenv("RUNS", os.devnull)
    git(repository, "checkout", "--quiet", "-b", "main")
    files = {
        "dvc.yaml": PIPELINE, "train.py": TRAIN, "evaluate.py": EVALUATE,
        "params.yaml": f"accuracy: 0.75\n{RULES}",
        "raw/a.txt": "a\n", "raw/b.txt": "b\n", ".gitattributes": "* -text\n",
    }  # fmt: skip
    for name, text in files.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text)
    for words in (
        ("remote", "add", "-q", "-d", "store", "s3://bucket/dvc"),
        ("remote", "modify", "-q", "store", "endpointurl", s3),
        ("add", "-q", "raw"),
        ("repro", "-q"),
        ("push", "-q"),
        ("ci", "github", "--python", "3.12", "--install", "amelio --version"),
    ):
        done = amelio(*words, cwd=repository, **KEYS)
        assert done.returncode == 0, done.stderr
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Pipeline")
    return repository


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


def test_pushes_and_pull_requests(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("ci")

    same = run_workflow(project, place, "same", "push")
    assert not same.has_failed, same.output
    assert executed(same) == []
    assert not (same.workspace / "raw").exists()  # nothing was fetched that nothing needs
    assert same.ran[-1] == "Push the results"
    assert "accuracy" in same.summary

    git(project, "checkout", "--quiet", "-b", "better")
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("0.75", "0.875"))
    git(project, "commit", "--quiet", "--all", "--message", "Better")
    better = run_workflow(project, place, "better", "pull_request")
    assert not better.has_failed, better.output
    assert executed(better) == ["train", "evaluate"]
    assert not (better.workspace / "raw").exists()
    assert "0.875" in better.summary
    comment = (better.store / "artifacts/comment/comment.md").read_text()
    assert "0.75" in comment
    assert "0.875" in comment
    assert (better.store / "artifacts/reports/reports/report.html").is_file()
    assert "Push the results" not in better.ran

    pushed = run_workflow(project, place, "pushed", "push")
    assert executed(pushed) == ["train", "evaluate"]  # what a pull request made was not pushed
    again = run_workflow(project, place, "again", "push")
    assert not again.has_failed, again.output
    # from the run cache and the remote; but DVC pushes nothing that Git keeps, as the scores are
    assert executed(again) == ["evaluate"]
    assert json.loads((again.workspace / "scores.json").read_text()) == {"accuracy": 0.875}
    everything = "".join(
        path.read_text(errors="replace") for path in place.rglob("*") if path.is_file()
    )
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in everything


def test_a_shut_gate_fails_the_job_and_is_reported(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("0.75", "0.25"))
    git(project, "commit", "--quiet", "--all", "--message", "Worse")
    worse = run_workflow(project, tmp_path_factory.mktemp("ci"), "worse", "pull_request")
    assert worse.has_failed
    assert "the quality gate is shut" in worse.output
    assert "alert" in worse.summary
    assert "0.25" in (worse.store / "artifacts/comment/comment.md").read_text()


def test_a_fork_without_secrets_is_told_what_it_lacks(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("0.75", "0.8"))
    git(project, "commit", "--quiet", "--all", "--message", "From a fork")
    fork = run_workflow(project, tmp_path_factory.mktemp("ci"), "fork", "pull_request", {})
    assert fork.has_failed
    assert "Traceback" not in fork.output
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
