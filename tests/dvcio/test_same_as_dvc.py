"""Random pipelines and histories: `dvc.lock`, `.gitignore` and the cache are what a serial `dvc
repro` makes.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from amelio.actions.repro import ReproOptions, repro
from amelio.dvcio.workspace import open_workspace
from amelio.model import Outcome
from tests.dvcio.dvc_itself import dvc_itself

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

VALUES = st.one_of(
    st.integers(-5, 5),
    st.floats(1e-9, 1e9),
    st.text("ab '\":#\n%é", max_size=12),
    st.lists(st.integers(0, 3), max_size=3),
    st.booleans(),
    st.none(),
)


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """The `stages:` of a `dvc.yaml`; the commands are functions of what they depend on."""
    stages: dict[str, Any] = {}
    n = draw(st.integers(2, 6))
    made: list[str] = []
    for i in range(n):
        deps = draw(
            st.lists(st.sampled_from([*made, "in0", "in1", "data"]), max_size=3, unique=True)
        )
        params = draw(st.lists(st.sampled_from(["p0", "p1", "nest.q"]), max_size=2, unique=True))
        folder = draw(st.sampled_from(["", "", "sub/"]))
        is_folder = draw(st.booleans())
        out = f"{folder}o{i}"
        reads = " ".join(
            f"$(find {dep} -type f ! -name .gitignore | sort | xargs cat)" for dep in deps
        )
        text = f"{i} {reads} $(grep -E '{'|'.join(p[-1] for p in params) or '^$'}' params.yaml)"
        target = f"{out}/x" if is_folder else out
        long = " # " + "long words " * draw(st.integers(0, 12)) if draw(st.booleans()) else ""
        make = f"mkdir -p {out} && " if is_folder else ""
        flags = draw(st.sampled_from([{}, {}, {"cache": False}, {"persist": True}]))
        stages[f"s{i}"] = {
            "cmd": f'{make}echo "{text}" > {target}{long}',
            **({"deps": deps} if deps else {}),
            **({"params": params} if params else {}),
            "outs": [{out: flags}] if flags else [out],
        }
        made.append(out)
    names = draw(st.permutations(list(stages)))
    return {name: stages[name] for name in names}


EDITS = st.one_of(
    st.tuples(
        st.just("file"), st.sampled_from(["in0", "in1", "data/a", "data/b"]), st.integers(0, 3)
    ),
    st.tuples(st.just("param"), st.sampled_from(["p0", "p1", "nest"]), VALUES),
    st.tuples(st.just("delete"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("drop"), st.integers(0, 5), st.just(0)),
)


class Twin:
    """One of the two repositories."""

    def __init__(self, root: Path, stages: dict[str, Any]) -> None:
        self.root = root
        self.stages = dict(stages)
        self.params: dict[str, Any] = {"p0": 1, "p1": 1, "nest": {"q": 1}}
        (root / "data").mkdir(parents=True)
        (root / "sub").mkdir()
        for name in ("in0", "in1", "data/a"):
            (root / name).write_text(name)
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
        os.chdir(root)
        Repo.init().close()
        self._dump()

    def _dump(self) -> None:
        for name, content in (("dvc.yaml", {"stages": self.stages}), ("params.yaml", self.params)):
            with (self.root / name).open("w") as file:
                YAML().dump(content, file)

    def edit(self, kind: str, what: Any, value: Any) -> None:
        """Change something."""
        if kind == "file":
            (self.root / what).write_text(f"{what} {value}")
        elif kind == "param":
            self.params[what] = {"q": value} if what == "nest" else value
        elif kind == "delete":
            for name in (f"o{what}", f"sub/o{what}"):
                path = self.root / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        elif len(self.stages) > 1:
            self.stages.pop(f"s{what}", None)
        self._dump()

    def state(self) -> dict[str, Any]:
        """All that must be the same."""
        found: dict[str, Any] = {
            str(p.relative_to(self.root)): p.read_text()
            for name in ("dvc.lock", ".gitignore")
            for p in self.root.rglob(name)
            if ".dvc" not in p.parts
        }
        cache = self.root / ".dvc" / "cache"
        found["cache"] = sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file())
        return found


def _same_as_dvc(folder: Path, stages: dict[str, Any], edits: list[Any], jobs: int) -> None:
    theirs, ours = Twin(folder / "theirs", stages), Twin(folder / "ours", stages)
    for edit in [None, *edits]:
        for twin in (theirs, ours):
            if edit:
                twin.edit(*edit)
        os.chdir(theirs.root)
        with dvc_itself(), Repo() as repo:
            try:
                ran = {stage.addressing for stage in repo.reproduce()}
            except Exception:  # a pipeline that lost a stage may not be whole
                return
        os.chdir(ours.root)
        workspace = open_workspace(is_quiet=True)
        result = repro(workspace, ReproOptions(jobs=jobs))
        workspace.repo.close()
        assert result.exit_code == 0, result.run.with_outcome(Outcome.FAILED)
        assert {s.name for s in result.run.with_outcome(Outcome.RAN, Outcome.RESTORED)} == ran
        assert ours.state() == theirs.state()
        with dvc_itself(), Repo() as repo:
            assert repo.status() == {}


_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}


@settings(max_examples=10, **_COMMON)
@given(pipelines(), st.lists(EDITS, max_size=3), st.sampled_from([1, 2, 8]))
def test_a_history(
    tmp_path_factory: pytest.TempPathFactory, stages: dict[str, Any], edits: list[Any], jobs: int
) -> None:
    folder = tmp_path_factory.mktemp("twins")
    with contextlib.chdir(folder):
        _same_as_dvc(folder, stages, edits, jobs)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@settings(max_examples=200, **_COMMON)
@given(pipelines(), st.lists(EDITS, max_size=4), st.sampled_from([1, 2, 8]))
def test_many_histories(
    tmp_path_factory: pytest.TempPathFactory, stages: dict[str, Any], edits: list[Any], jobs: int
) -> None:
    folder = tmp_path_factory.mktemp("twins")
    with contextlib.chdir(folder):
        _same_as_dvc(folder, stages, edits, jobs)
