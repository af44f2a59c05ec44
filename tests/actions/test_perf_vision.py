"""The reproducibility score of the template's own files, without data and before any run."""

from pathlib import Path

import pytest

from amelio.actions.new import new_project
from amelio.dvcio.project import commit_all, ensure_identity
from tests.actions.engine_project import Project
from tests.actions.perf_project import failing, score

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value")  # DVC's use of pygtrie

STATIC = {
    "parameters-versioned",
    "parameters-read",
    "seeds",
    "environment-pinned",
    "programs-declared",
    "no-absolute-paths",
    "no-always-changed",
}


@pytest.fixture
def vision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    new_project(tmp_path)
    ensure_identity(tmp_path)
    commit_all(tmp_path, "Add the vision pipeline")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_the_template_commits_no_sin_and_planted_ones_are_named(vision: Project) -> None:
    before = score()
    assert failing(before).keys() & STATIC == set()
    program = "src/training/train.py"
    text = vision.read(program).replace("def main", "CACHE = '/home/ada/cache'\n\n\ndef main")
    vision.write(program, f"import random\n{text}\nrandom.shuffle([1, 2])\n")
    pipeline = vision.read("dvc.yaml").replace(f"      - {program}\n", "")
    vision.write("dvc.yaml", pipeline.replace("      - hyperopt\n", "      - hyperopt.seed\n"))
    after = score()
    told = failing(after)
    assert told.keys() & STATIC == {
        "parameters-read",
        "seeds",
        "programs-declared",
        "no-absolute-paths",
    }
    assert program in told["seeds"]
    assert f"train does not depend on {program}" in told["programs-declared"]
    assert after.value < before.value
