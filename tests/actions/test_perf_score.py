"""The reproducibility score: a clean pipeline has 100, and each sin lowers it by name."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from amelio.insight.checks import CHECKS
from tests.actions.engine_project import Project
from tests.actions.perf_project import STAGES, commit, failing, score

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value")  # DVC's use of pygtrie


@pytest.mark.usefixtures("clean")
def test_a_reproducible_pipeline_has_all_points() -> None:
    found = score()
    assert failing(found) == {}
    assert found.value == 100
    assert sum(check.weight for check in found.checks) == 100


def _stages(project: Project, name: str, **changes: object) -> None:
    project.stages(**{**STAGES, name: {**STAGES[name], **changes}})


def _edit(project: Project, name: str, old: str, new: str) -> None:
    text = project.read(name)
    assert old in text
    project.write(name, text.replace(old, new))


def untracked_input(project: Project) -> None:
    project.write("data/more.csv", "5\n")
    project.write(".gitignore", project.read(".gitignore") + "/data/more.csv\n")
    _stages(project, "clean", deps=["data/rows.csv", "src/clean.py", "data/more.csv"])


def no_remote(project: Project) -> None:
    project.write(".dvc/config", "")


def not_pushed(project: Project) -> None:
    shutil.rmtree(project.root.parent / "remote")


def parameters_out_of_git(project: Project) -> None:
    project.write(".gitignore", project.read(".gitignore") + "/params.yaml\n")
    words = ["git", "rm", "--quiet", "--cached", "params.yaml"]
    subprocess.run(words, cwd=project.root, check=True)


def undeclared_parameters(project: Project) -> None:
    stage = {key: value for key, value in STAGES["clean"].items() if key != "params"}
    project.stages(**{**STAGES, "clean": stage})


def no_seed(project: Project) -> None:
    _edit(project, "src/fit.py", "random.seed(params['seed'])\n", "")


def unseeded_generator(project: Project) -> None:
    _edit(project, "src/shared.py", "def mean", "import numpy as np\n\ndef mean")
    _edit(project, "src/shared.py", "    return", "    np.random.default_rng()\n    return")


def unpinned(project: Project) -> None:
    _edit(project, "requirements.txt", "numpy==2.4.6", "numpy>=2")


def no_environment(project: Project) -> None:
    (project.root / "requirements.txt").unlink()


def undeclared_program(project: Project) -> None:
    _stages(project, "clean", deps=["data/rows.csv"])


def undeclared_module(project: Project) -> None:
    _stages(project, "fit", deps=["clean.csv", "src/fit.py"])


def absolute_in_program(project: Project) -> None:
    _edit(project, "src/clean.py", "least = ", "place = '/home/ada/rows.csv'\nleast = ")


def absolute_in_command(project: Project) -> None:
    _stages(project, "clean", cmd="python src/clean.py; : /mnt/disk/rows.csv")


def absolute_dependency(project: Project) -> None:
    place = project.root.parent / "outside.csv"
    place.write_text("5\n")
    deps = ["data/rows.csv", "src/clean.py", str(place)]
    _stages(project, "clean", deps=deps)


def always_changed(project: Project) -> None:
    _stages(project, "clean", always_changed=True)


def callback(project: Project) -> None:
    project.stages(**STAGES, hello={"cmd": "echo hello"})


SINS: list[tuple[Callable[[Project], None], dict[str, str]]] = [
    (untracked_input, {"inputs-tracked": "data/more.csv is in neither DVC nor Git"}),
    (no_remote, {"inputs-pushed": "no remote is set up"}),
    (not_pushed, {"inputs-pushed": "is not, or not all, in the remote near"}),
    (parameters_out_of_git, {"parameters-versioned": "params.yaml is not in Git"}),
    (undeclared_parameters, {"parameters-read": "clean.least is read by no stage"}),
    (no_seed, {"seeds": "src/fit.py:5: random.random draws"}),
    (unseeded_generator, {"seeds": "src/shared.py:4: numpy.random.default_rng draws"}),
    (unpinned, {"environment-pinned": "requirements.txt:1: numpy is not pinned"}),
    (no_environment, {"environment-pinned": "no file says which versions"}),
    (undeclared_program, {"programs-declared": "clean does not depend on src/clean.py"}),
    (undeclared_module, {"programs-declared": "fit does not depend on src/shared.py"}),
    (absolute_in_program, {"no-absolute-paths": "src/clean.py:2: /home/ada/rows.csv"}),
    (absolute_in_command, {"no-absolute-paths": "its command names /mnt/disk/rows.csv"}),
    (
        absolute_dependency,
        {"inputs-tracked": "lies outside", "no-absolute-paths": "is outside of the repository"},
    ),
    (always_changed, {"no-always-changed": "clean is marked always_changed"}),
    (callback, {"no-always-changed": "hello has neither dependencies nor outputs"}),
]


@pytest.mark.parametrize(("sin", "expected"), SINS, ids=[sin.__name__ for sin, _ in SINS])
def test_a_sin_lowers_the_score_by_name(
    clean: Project, sin: Callable[[Project], None], expected: dict[str, str]
) -> None:
    sin(clean)
    clean.repro()
    commit(clean)
    found = score()
    told = failing(found)
    assert told.keys() == expected.keys()
    assert all(expected[name] in text for name, text in told.items()), told
    assert found.value < 100
    assert all(finding.fix for check in found.checks for finding in check.findings)


def test_a_parameter_that_no_stage_reads_is_named(clean: Project) -> None:
    clean.write("params.yaml", clean.read("params.yaml") + "old:\n  rate: 1\n")
    commit(clean)
    assert failing(score()) == {"parameters-read": "params.yaml: old.rate is read by no stage"}


def test_uncommitted_work_and_an_untrue_lock_are_named(clean: Project) -> None:
    _edit(clean, "src/clean.py", "least = ", "least  = ")
    told = failing(score())
    assert told.pop("lock-true").startswith("clean: code src/clean.py: ")
    assert told == {"git-clean": "src/clean.py has changes that are not committed"}


def test_a_frozen_stage_is_not_taken_for_true(clean: Project) -> None:
    _stages(clean, "fit", frozen=True)
    commit(clean)
    assert "fit is frozen" in failing(score())["lock-true"]


def test_a_declared_parameter_that_is_missing_is_named(clean: Project) -> None:
    _edit(clean, "params.yaml", "  least: 2\n", "  most: 2\n")
    commit(clean)
    assert "params.yaml:clean.least" in failing(score())["parameters-versioned"]


def test_a_stage_that_never_ran_is_named(clean: Project) -> None:
    clean.stages(**STAGES, late={"cmd": "touch late.txt", "deps": ["x.txt"], "outs": ["late.txt"]})
    commit(clean)
    told = failing(score())
    assert told == {
        "inputs-tracked": "x.txt is in neither DVC nor Git",
        "lock-true": "late never ran",
    }


def test_missing_data_is_no_lie_of_the_lock(clean: Project) -> None:
    stage = {"cmd": "ls parts > list", "deps": ["parts"], "outs": ["list"]}
    part = {"cmd": "mkdir -p parts; echo 1 > parts/a", "outs": ["parts/a"]}
    clean.stages(**STAGES, part_a=part, gather=stage)
    clean.write("parts/.gitkeep", "")
    clean.repro()
    commit(clean)
    (clean.root / "clean.csv").unlink()
    (clean.root / "parts/a").unlink()  # now the folder `parts` is another one
    assert failing(score()) == {}


def test_without_git_the_score_says_so(clean: Project) -> None:
    shutil.rmtree(clean.root / ".git")
    _edit(clean, ".dvc/config", "[core]\n", "[core]\n    no_scm = true\n")
    told = failing(score())
    assert told["git-clean"] == "this is no Git repository"


def test_every_check_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/perf.md").read_text()
    for check in CHECKS:
        name = check.__name__.replace("_", "-")
        assert re.search(rf"^\| `{name}` \|", page, re.MULTILINE), name
