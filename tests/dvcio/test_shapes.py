"""Pipelines with the shapes of public ones: the same with `dvc repro` and with amelio."""

# ruff: noqa: E501 - YAML as people write it

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from amelio.actions.repro import ReproOptions, repro
from amelio.dvcio.workspace import open_workspace
from amelio.model import Policy, Selection
from tests.dvcio.dvc_itself import dvc_itself

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

FILES = {
    "params.yaml": "lr: 1e-05\nmodels: [cnn, svm]\nnested: {deep: {x: [1, 2], s: 'yes'}}\nlong: "
    + "word " * 40
    + "\n",
    "conf/extra.json": '{"seed": 3}',
    "conf/opt.toml": "[train]\nepochs = 4\n",
    "conf/opt.py": "BATCH = 8\n\nclass Train:\n    momentum = 0.9\n",
    "src/prep.sh": "cat ../data/raw.txt > raw.out\n",
    "data/raw.txt": "raw\n",
    "outside/ext.txt": "external\n",
    "dvc.yaml": """\
vars:
  - conf/extra.json
  - name: world
stages:
  greet:
    cmd:
      - echo hello ${name} > greeting.txt
      - echo ${seed} >> greeting.txt
    outs: [greeting.txt]
  fit:
    foreach: ${models}
    do:
      cmd: mkdir -p models && echo ${item} ${lr} > models/${item}.txt
      deps: [greeting.txt]
      params: [lr]
      outs: ["models/${item}.txt"]
  grid:
    matrix:
      size: [1, 2]
      kind: [a, b]
    cmd: echo ${item.size}${item.kind} > grid_${item.size}_${item.kind}.txt
    params:
      - nested.deep
      - conf/opt.toml: [train.epochs]
      - conf/opt.py: [BATCH, Train.momentum]
    outs:
      - grid_${item.size}_${item.kind}.txt:
          persist: true
  collect:
    desc: joins everything
    cmd: cat models/*.txt grid_*.txt > all.txt; echo '{"n":1}' > m.json; printf 'a,b\\n1,2\\n' > p.csv
    deps: [models, grid_1_a.txt, grid_1_b.txt, grid_2_a.txt, grid_2_b.txt]
    outs: [all.txt]
    metrics:
      - m.json:
          cache: false
    plots:
      - p.csv:
          x: a
          y: b
    meta: {owner: me}
  always:
    cmd: "true"
    always_changed: true
  callback:
    cmd: "true"
  ice:
    cmd: echo never > ice.txt
    frozen: true
    deps: [greeting.txt]
    outs: [ice.txt]
  long:
    cmd: echo ${long} > long.txt; echo "a very long command line" "that has to be folded" "by the writer of YAML" > x.txt
    deps: [../OUTSIDE]
    outs:
      - long.txt
      - x.txt:
          push: false
""",
    "ice.txt": "ice\n",
    "sub/dvc.yaml": """\
stages:
  prep:
    wdir: ../src
    cmd: sh prep.sh
    deps: [prep.sh, ../data/raw.txt]
    outs: [raw.out]
  after:
    cmd: cat ../src/raw.out ../all.txt > after.txt
    deps: [../src/raw.out, ../all.txt]
    outs: [after.txt]
""",
}


def _make(root: Path) -> Path:
    outside = root.parent / f"{root.name}-outside.txt"
    outside.parent.mkdir(parents=True, exist_ok=True)
    outside.write_text("external\n")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("../OUTSIDE", str(root.parent / "shared.txt")))
    (root.parent / "shared.txt").write_text("shared\n")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    os.chdir(root)
    with Repo.init() as repo:
        repo.add("data/raw.txt")
        repo.imp_url("outside/ext.txt", out="imported.txt")
    return root


def _state(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        name = path.name
        if ".git" in path.parts or not path.is_file():
            continue
        inside = path.relative_to(root).parts
        if inside[0] == ".dvc" and inside[1:2] != ("cache",):
            continue
        is_text = name in ("dvc.lock", ".gitignore") or name.endswith((".dvc", ".txt", ".json"))
        found[str(path.relative_to(root))] = path.read_text() if is_text else None
    return found


def _edit(root: Path, step: int) -> None:
    if step == 1:
        (root / "data/raw.txt").write_text("raw 2\n")
        (root / "outside/ext.txt").write_text("external 2\n")
    elif step == 2:
        text = (root / "params.yaml").read_text()
        (root / "params.yaml").write_text(
            text.replace("1e-05", "0.5").replace("[cnn, svm]", "[cnn, svm, knn]")
        )
    elif step == 3:
        (root / "all.txt").unlink()
        (root / "conf/opt.toml").write_text("[train]\nepochs = 5\n")


@pytest.mark.parametrize("jobs", [1, 4])
def test_the_same_after_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.chdir(tmp_path)
    theirs, ours = _make(tmp_path / "theirs"), _make(tmp_path / "ours")
    for step in range(4):
        for root in (theirs, ours):
            _edit(root, step)
        os.chdir(theirs)
        with dvc_itself(), Repo() as repo:
            expected = {stage.addressing for stage in repo.reproduce(all_pipelines=True)}
        os.chdir(ours)
        workspace = open_workspace(is_quiet=True)
        options = ReproOptions(Selection(all_pipelines=True), Policy(), jobs)
        result = repro(workspace, options)
        workspace.repo.close()
        assert result.exit_code == 0, [s for s in result.run.stages if s.message]
        ran = {s.name for s in result.run.stages if s.outcome in ("ran", "restored")}
        assert ran == expected
        assert _state(ours) == _state(theirs)
