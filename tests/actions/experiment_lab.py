"""A small repository for experiments, whose stages need no Python, and ways to look at it."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from amelio import cli
from amelio.experiments.home import find_home, put_in_order
from amelio.experiments.queue import Queue

PIPELINE = """\
stages:
  prepare:
    cmd: echo prepared >> $TRACE; cat source.txt > prepared.txt
    deps: [source.txt]
    outs: [prepared.txt]
  train:
    cmd: >-
      echo $DVC_EXP_NAME >> $TRACE; echo training; sleep ${seconds};
      cat prepared.txt > model.txt; echo ${lr} ${size} >> model.txt;
      printf '{"score": %s}' ${lr} > metrics.json; test ${lr} != 13
    deps: [prepared.txt]
    params: [lr, size]
    outs: [model.txt]
    metrics: [metrics.json: {cache: false}]
"""


@dataclass(frozen=True)
class Lab:
    """root: of the repository; trace: what its stages write to, outside of it."""

    root: Path
    trace: Path

    @property
    def home(self) -> Path:
        """Where experiments have their things."""
        return self.root / ".dvc" / "tmp" / "amelio" / "experiments"

    def git(self, *words: str) -> str:
        """Git's output."""
        done = subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """`amelio exp WORDS`, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "amelio", "exp", *words],
            cwd=self.root,
            env={**os.environ, "TRACE": str(self.trace)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def exp(self, *words: str, code: int = 0) -> str:
        """What `amelio exp WORDS` prints; with another code than 0, what it complains of."""
        process = self.start(*words)
        said, complained = process.communicate(timeout=120)
        assert process.returncode == code, said + complained
        return complained if code else said

    def here(self, *words: str, code: int = 0) -> str:
        """The same in this process, which is quicker; nothing that starts a worker."""
        said, complained = io.StringIO(), io.StringIO()
        with chdir(self.root), redirect_stdout(said), redirect_stderr(complained):
            found = cli.run(["exp", *words])
        assert found == code, said.getvalue() + complained.getvalue()
        return (complained if code else said).getvalue()

    def dvc(self, *words: str) -> str:
        """Real DVC's output."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dvc", *words],
            cwd=self.root,
            env={**os.environ, "TRACE": str(self.trace)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> list[dict[str, Any]]:
        """The queue's entries, after dead workers' experiments were taken back."""
        home = find_home(self.root)
        put_in_order(home)
        if not home.queue.exists():
            return []
        queue = Queue(home.queue)
        found = [asdict(entry) for entry in queue.all()]
        queue.close()
        return found

    def output(self, commit: str, path: str) -> str:
        """The content of an output, from the cache."""
        stages = yaml.safe_load(self.git("show", f"{commit}:dvc.lock"))["stages"].values()
        (md5,) = (str(o["md5"]) for stage in stages for o in stage["outs"] if o["path"] == path)
        cached = f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}"
        return (self.root / cached).read_text()

    def refs(self) -> dict[str, str]:
        """Experiments' names and commits."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps")
        pairs = (line.split() for line in lines.splitlines())
        return {ref.rpartition("/")[2]: commit for ref, commit in pairs}

    def traced(self) -> list[str]:
        """What stages wrote, a line for each start."""
        return self.trace.read_text().split() if self.trace.exists() else []

    def footprint(self) -> tuple[str, ...]:
        """All that is the user's: the index's bytes, the files', branches, what HEAD is."""
        names = self.git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        files = sorted(name for name in names if (self.root / name).is_file())
        content = [f"{n} {sha256((self.root / n).read_bytes()).hexdigest()}" for n in files]
        return (
            sha256((self.root / ".git" / "index").read_bytes()).hexdigest(),
            *content,
            self.git("for-each-ref", "refs/heads", "refs/tags", "refs/stash"),
            (self.root / ".git" / "HEAD").read_text(),
        )

    def leftovers(self) -> list[str]:
        """What should be gone after an experiment command: worktrees, refs of ours and DVC's."""
        trees = self.git("worktree", "list", "--porcelain").split("worktree ")[2:]
        refs = self.git("for-each-ref", "refs/amelio", "refs/exps/exec", "refs/exps/temp")
        folders = [str(path) for path in (self.home / "worktrees").glob("[0-9]*")]
        return [*trees, *refs.splitlines(), *folders]


def until(is_so: Callable[[], object], patience_s: float = 60.0) -> None:
    """Wait for it."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
