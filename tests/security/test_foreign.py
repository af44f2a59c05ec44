"""S15: looking at somebody else's repository starts none of its programs, and loads none."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.tools import skip_without

STAGES = """\
vars: [{word: "$(touch CANARY)"}]
stages:
  a:
    cmd: touch CANARY ${word}
    deps: [in]
    params: [conf.py: [rate], params.yaml: [lr]]
    outs: [out]
    meta:
      amelio: {when: probe.x > 1 or changed.data, probe: touch CANARY}
  b:
    foreach: [x, y]
    do:
      cmd: touch CANARY $(touch CANARY)
      deps: [in]
      outs: ["${item}"]
metrics: [metrics.json]
plots: [curve.csv: {template: evil}]
"""
SETTINGS = """\
[core]
    remote = evil
['remote "evil"']
    url = ssh://-oProxyCommand=touch$IFSCANARY/x
"""
SHADOWS = ("yaml", "dvc", "random", "json", "sitecustomize", "usercustomize", "typer", "amelio")
WORDS: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("repro", "--dry"),
    ("why", "a"),
    ("why", "b@x"),
    ("report",),
    ("perf",),
    ("logs", "a"),
    ("metrics", "show"),
    ("params", "show"),
    ("exp", "show"),
    ("dag",),
)
GIT = ("git",)
OF_GIT = re.compile(r"/git-core/")


@pytest.fixture
def foreign(repository: Path) -> Path:
    """Everything in it that a program might run has a canary in it."""
    for name, text in {
        "in": "1",
        "params.yaml": "lr: 1\n",
        "conf.py": "open('CANARY', 'w')\nrate = 1\n",
        "dvc.yaml": STAGES,
        "metrics.json": '{"a": 1}',
        "curve.csv": "x,y\n1,2\n",
        ".dvc/config": SETTINGS,
        ".dvc/plots/evil.json": "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
        ".gitattributes": "* filter=evil diff=evil merge=evil\n",
        "amelio.yaml": "quality: {rules: {r: {expression: '__import__(\"os\")'}}}\n",
        **{f"{name}.py": "open('CANARY', 'w')\n" for name in SHADOWS},
    }.items():
        path = repository / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for name in ("git", "python3", "sh", "touch"):  # a PATH with `.` in it is the user's own fault
        path = repository / name
        path.write_text("#!/bin/sh\ntouch CANARY\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "$(touch CANARY)"], cwd=repository, check=True)
    return repository


def _files(root: Path) -> dict[str, bytes]:
    """All but what a report is written to, and what DVC and Git keep for themselves."""
    own = (root / ".dvc" / "tmp", root / ".git", root / "reports")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not any(path.is_relative_to(folder) for folder in own)
    }


def test_nothing_of_it_is_started_or_changed(
    foreign: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not shutil.which("strace"):
        skip_without("strace", "it sees which programs are started")
    before = _files(foreign)
    for words in WORDS:
        log = tmp_path_factory.mktemp("log") / "executed"
        trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve", "-o", str(log)]
        done = subprocess.run(
            [*trace, sys.executable, "-P", "-m", "amelio", *words],
            cwd=foreign,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "a bug of ours" not in done.stderr, words
        found = re.findall(r'execve\("([^"]+)"', log.read_text())
        assert found.pop(0) == sys.executable
        # Python: to become DVC. Git is looked for along PATH, and starts helpers of its own.
        others = [
            path
            for path in found
            if path != sys.executable and Path(path).name != "git" and "/git-core/" not in path
        ]
        assert others == [], words
        assert not [path for path in found if path.startswith(str(foreign))], words
        assert not (foreign / "CANARY").exists(), words
        assert _files(foreign) == before, words


def test_a_run_would_start_it(foreign: Path, amelio: Run) -> None:
    for name in SHADOWS:  # `amelio` here is `python -m amelio`, which looks for modules here first
        (foreign / f"{name}.py").unlink()
    amelio("repro", "b@x", cwd=foreign)
    assert (foreign / "CANARY").exists()
