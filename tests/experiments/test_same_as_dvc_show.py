"""What `amelio exp show --json` prints is what `dvc exp show --json` prints."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from amelio.dvcio.experiments.states import Scope, collect_states
from amelio.experiments.record import records
from amelio.experiments.table import table_of
from tests.experiments.many import add_experiments, git, make_base

PIPELINE = """\
stages:
  lot:
    foreach: ${lots}
    do:
      cmd: echo ${item} > lot-${item}.txt
      deps: [in.txt]
      outs:
      - lot-${item}.txt
  score:
    cmd: cp in.txt out/${train.name}.json
    deps: [in.txt]
    params:
    - train.rate
    - other.toml: [a.b]
    outs:
    - out/${train.name}.json: {cache: false}
    metrics: [cached.json]
    plots: [curve.csv]
metrics: [summary.yaml]
params: [third.json]
"""


def ours(root: Path, **scope: Any) -> Any:
    """What amelio prints, as data."""
    states = collect_states(root, Scope(**scope))
    return json.loads(json.dumps(records(states, table_of(states)), default=str))


def theirs(root: Path, *words: str) -> Any:
    """What DVC prints; it does not look into the cache, which may be ours."""
    argv = [sys.executable, "-W", "ignore", "-m", "dvc", "exp", "show", "--json", "-f", *words]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A pipeline as they mostly are, with five experiments."""
    make_base(tmp_path)
    add_experiments(tmp_path, 5)
    return tmp_path


def test_plain_pipeline(plain: Path) -> None:
    expected = theirs(plain)
    assert len(expected[1]["experiments"]) == 5
    assert ours(plain, is_fresh=True) == expected
    assert ours(plain) == expected  # from the cache


def test_what_we_read_dvc_takes_from_the_cache(plain: Path) -> None:
    mine = ours(plain, is_fresh=True)
    argv = [sys.executable, "-W", "ignore", "-m", "dvc", "exp", "show", "--json", "-v", "-v"]
    done = subprocess.run(argv, cwd=plain, capture_output=True, text=True, check=True)
    assert "ExpCache: cache put" not in done.stdout + done.stderr
    assert json.loads(done.stdout[done.stdout.index('[{"rev"') :].splitlines()[0]) == mine


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        (["-n", "2"], {"num": 2}),
        (["--rev", "HEAD~1"], {"revs": ("HEAD~1",)}),
        (["-A", "--hide-workspace"], {"all_commits": True, "hide_workspace": True}),
        (["-a", "--sha"], {"all_branches": True, "sha_only": True}),
        (["-T"], {"all_tags": True}),
        (["--param-deps"], {"only_deps": True}),
    ],
)
def test_options(plain: Path, words: list[str], scope: dict[str, Any]) -> None:
    git(plain, "tag", "v1")
    (plain / "params.yaml").write_text("train: {learning_rate: 5, batch_size: 1}\n")
    git(plain, "commit", "--quiet", "--all", "--message", "Second")
    git(plain, "branch", "other", "HEAD~1")
    add_experiments(plain, 2, prefix="later")
    assert ours(plain, is_fresh=True, **scope) == theirs(plain, *words)


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """Interpolation, foreach, several parameters files, a metrics file that only DVC has."""
    make_base(tmp_path)
    files = {
        "dvc.yaml": PIPELINE,
        "params.yaml": "lots: [a, b]\ntrain: {rate: 1e-3, name: x, when: 12:30:00}\n",
        "other.toml": "[a]\nb = 1\nc = 2\n",
        "third.json": '{"deep": {"er": [1, 2]}}',
        "summary.yaml": "good: 1e-4\nword: yes\nlist: [1]\nempty: {}\nnothing:\n",
        "in.txt": '{"v": 1}',
        "cached.json": '{"kept": 0.25}',
        "curve.csv": "a\n1\n",
        "out/x.json": "{}",
    }
    (tmp_path / ".gitignore").write_text("/data\n/cached.json\n/curve.csv\n/lot-*.txt\n")
    (tmp_path / "dvc.lock").unlink()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    dvc(tmp_path, "commit", "-f", "score")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Strange")
    return tmp_path


def dvc(root: Path, *words: str) -> None:
    """Run DVC."""
    argv = [sys.executable, "-W", "ignore", "-m", "dvc", *words]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def keep(root: Path, name: str) -> None:
    """Make an experiment of the working tree, and put the tree back."""
    base = git(root, "rev-parse", "HEAD")
    git(root, "add", "--all", "--", ".")
    tree = git(root, "write-tree")
    commit = git(root, "commit-tree", tree, "-p", base, "-m", name)
    git(root, "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", commit)
    git(root, "reset", "--quiet", "--hard")


def test_strange_pipelines(strange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(strange)  # DVC's errors have paths relative to the working directory
    params = strange / "params.yaml"
    changes: dict[str, dict[str, str | None]] = {
        "another-lot": {"params.yaml": params.read_text().replace("[a, b]", "[a, b, c]")},
        "another-name": {"params.yaml": params.read_text().replace("name: x", "name: y")},
        "no-name": {"params.yaml": "lots: [a]\ntrain: {rate: 0.5}\n"},
        "other-file": {"other.toml": "[a]\nb = 5\n"},
        "broken-params": {"params.yaml": "train: [\n"},
        "twice": {"params.yaml": params.read_text() + "lots: [z]\n"},
        "anchor": {"params.yaml": "lots: &l [a]\ntrain: {rate: 1, name: x, more: *l}\n"},
        "broken-metrics": {"summary.yaml": "a: 'b\n"},
        "a-number": {"summary.yaml": "17\n"},
        "broken-pipeline": {"dvc.yaml": "stages: 7\n"},
        "broken-lock": {"dvc.lock": "<<<<<<< HEAD\n"},
        "no-lock": {"dvc.lock": None},
        "no-metrics": {"summary.yaml": None},
        "other-vars": {"dvc.yaml": "vars: [third.json]\n" + (strange / "dvc.yaml").read_text()},
        "uncached": {"dvc.lock": (strange / "dvc.lock").read_text().replace("size: 14", "size: 9")},
        "new-data": {"data.dvc": (strange / "data.dvc").read_text().replace("965", "777")},
    }
    for name, files in changes.items():
        for path, text in files.items():
            (strange / path).write_text(text) if text is not None else (strange / path).unlink()
        keep(strange, name)
    expected = {each["name"]: each for each in theirs(strange)[1]["experiments"]}
    found = {each["name"]: each for each in ours(strange, is_fresh=True)[1]["experiments"]}
    assert expected.keys() == found.keys() == changes.keys()
    assert found["another-name"]["revs"][0]["data"]["metrics"]["cached.json"] == {
        "data": {"kept": 0.25}
    }
    for name, record in expected.items():
        assert found[name] == record, name


def test_dvcs_queue(plain: Path) -> None:
    dvc(plain, "exp", "run", "--queue", "-q", "-n", "waiting", "-S", "train.epochs=3")
    expected = theirs(plain)
    assert [each["name"] for each in expected[1]["experiments"]][-1] == "waiting"
    assert ours(plain, is_fresh=True) == expected
    assert theirs(plain, "--hide-queued") == ours(plain, is_fresh=True, hide_queued=True)


def test_subfolder_and_experiments_of_several_commits(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    make_base(tmp_path / "x")
    root = tmp_path / "x"
    add_experiments(root, 1)
    tip = git(root, "for-each-ref", "--format=%(objectname)", "refs/exps")
    tree = git(root, "rev-parse", f"{tip}^{{tree}}")
    second = git(root, "commit-tree", tree, "-p", tip, "-m", "checkpoint")
    ref = git(root, "for-each-ref", "--format=%(refname)", "refs/exps")
    git(root, "update-ref", ref, second)
    expected = theirs(root)
    assert len(expected[1]["experiments"][0]["revs"]) == 2
    assert ours(root, is_fresh=True) == expected
