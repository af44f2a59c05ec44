"""A small pipeline of text files that is reproducible in every respect."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from amelio.actions.perf import Part, PerfOptions, measure
from amelio.dvcio.workspace import open_workspace
from amelio.insight.perf import Perf
from amelio.insight.reproducibility import Score
from tests.actions.engine_project import Project

FILES = {
    "params.yaml": "clean:\n  least: 2\nfit:\n  seed: 7\n  rounds: 3\n",
    "requirements.txt": "numpy==2.4.6\ntool @ git+https://example.org/tool@0123456789abcdef\n",
    "data/rows.csv": "1\n2\n3\n4\n",
    "src/clean.py": (
        "import yaml\n"
        "least = yaml.safe_load(open('params.yaml'))['clean']['least']\n"
        "rows = [row for row in open('data/rows.csv') if int(row) >= least]\n"
        "open('clean.csv', 'w').writelines(rows)\n"
    ),
    "src/fit.py": (
        "import json, random, sys\n"
        "import yaml\n"
        "from shared import mean\n"
        "params = yaml.safe_load(open('params.yaml'))['fit']\n"
        "random.seed(params['seed'])\n"
        "draws = [random.random() for _ in range(params['rounds'])]\n"
        "json.dump({'mean': mean(draws)}, open('metrics.json', 'w'))\n"
    ),
    "src/shared.py": "def mean(values):\n    return sum(values) / len(values)\n",
    "src/part.sh": "head -n $1 clean.csv > part-$1.csv\n",
    ".gitignore": "__pycache__/\n",
}
REMOTE = "[core]\n    remote = near\n['remote \"near\"']\n    url = ../../remote\n"
STAGES: dict[str, dict[str, Any]] = {
    "clean": {
        "cmd": "python src/clean.py",
        "deps": ["data/rows.csv", "src/clean.py"],
        "params": ["clean.least"],
        "outs": ["clean.csv"],
    },
    "fit": {
        "cmd": "python src/fit.py",
        "deps": ["clean.csv", "src/fit.py", "src/shared.py"],
        "params": ["fit"],
        "metrics": [{"metrics.json": {"cache": False}}],
    },
    "part": {
        "foreach": [1, 2],
        "do": {
            "cmd": "sh src/part.sh ${item}",
            "deps": ["clean.csv", "src/part.sh"],
            "outs": ["part-${item}.csv"],
        },
    },
}


def build(root: Path) -> None:
    """Make, run, commit and push it. `root` is the working directory."""
    from dvc.repo import Repo

    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        subprocess.run(["git", "config", key, value], cwd=root, check=True)
    Repo.init().close()
    project = Project(root)
    for name, text in FILES.items():
        project.write(name, text)
    project.dvc("add", "--quiet", "data/rows.csv")
    project.write(".dvc/config", REMOTE)
    project.stages(**STAGES)
    project.repro()
    project.dvc("push", "--quiet")
    commit(project)


def copied(source: Path, target: Path) -> Project:
    """The project, and its remote if it has one, elsewhere."""
    shutil.copytree(source, target, symlinks=True)
    if (source.parent / "remote").exists():
        shutil.copytree(source.parent / "remote", target.parent / "remote", dirs_exist_ok=True)
    return Project(target)


def commit(project: Project) -> None:
    """Commit everything."""
    for words in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", "Step"]):
        subprocess.run(["git", *words], cwd=project.root, check=True)


def perf(*parts: Part, is_remote_asked: bool = False) -> Perf:
    """Measure the working directory's project."""
    options = PerfOptions(frozenset(parts or Part), is_remote_asked, timeout_s=30.0)
    return measure(open_workspace(is_quiet=True), options)


def score() -> Score:
    """Its reproducibility."""
    found = perf(Part.SCORE).score
    assert found is not None
    return found


def failing(found: Score) -> dict[str, str]:
    """Name of each check that finds something → its first finding."""
    return {check.name: check.findings[0].text for check in found.checks if check.findings}
