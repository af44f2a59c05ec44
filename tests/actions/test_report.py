"""`amelio report` on real repositories: what it writes, and what it says about bad input."""

import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from amelio.actions.perf import Part
from amelio.actions.report import write_comment, write_report
from amelio.dvcio.figures.plot_sources import MAX_BYTES, MAX_ROWS
from amelio.dvcio.figures.plots import collect_plots
from amelio.errors import InputError
from tests.actions.engine_project import Project
from tests.actions.perf_project import copied, perf
from tests.conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # DVC's own

PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [lr]
    metrics: [{metrics.json: {cache: false}}]
    plots: [{curve.csv: {cache: false, x: step, y: loss}}]
  lot:
    foreach: [s1, s2, s3]
    do: {cmd: "cp metrics.json ${item}.txt", deps: [metrics.json], outs: ["${item}.txt"]}
"""
TRAIN = """\
import json, re
lr = float(re.search(r"lr: (.*)", open("params.yaml").read())[1])
json.dump({"accuracy": 0.5 + lr, "loss": 1 - lr}, open("metrics.json", "w"))
open("curve.csv", "w").write("step,loss\\n" + "".join(f"{n},{lr / (n + 1)}\\n" for n in range(5)))
"""


@pytest.fixture(scope="module")
def original(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that has run, and is committed; not to be changed."""
    root = tmp_path_factory.mktemp("report") / "project"
    shutil.copytree(empty_repository, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / "site"))
        patch.chdir(root)
        project = Project(root)
        project.write("dvc.yaml", PIPELINE)
        project.write("train.py", TRAIN)
        project.write("params.yaml", "lr: 0.1\npassword: canary-1\n")
        project.write(
            "amelio.yaml",
            "quality: {rules: {right: {metric: metrics.json:accuracy, alert_below: 0.5}}}",
        )
        project.repro()
        commit(project, "Train")
    return root


@pytest.fixture
def trained(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it as the working directory."""
    project = copied(original, tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project


def commit(project: Project, message: str) -> None:
    subprocess.run(["git", "add", "."], cwd=project.root, check=True)
    subprocess.run(["git", "commit", "-qm", message], cwd=project.root, check=True)


def git(project: Project, *words: str) -> None:
    subprocess.run(["git", *words], cwd=project.root, check=True, capture_output=True)


def page(project: Project) -> str:
    return project.read("reports/report.html")


def test_everything_there_is_has_a_section(trained: Project) -> None:
    trained.write("params.yaml", "lr: 0.3\npassword: canary-2\n")
    trained.repro()
    done = write_report(trained.root)
    assert (done.problems, done.notices) == ((), ())
    ignored = (files("amelio.templates") / "vision/gitignore").read_text().splitlines()
    assert {f"/reports/{path.name}" for path in done.paths} <= set(ignored)
    metrics = trained.read("reports/metrics_report.md")
    assert "| `accuracy` | `0.6` | `0.8` | +0.2 ↑ ✅ |" in metrics
    assert "| `loss` | `0.9` | `0.7` | −0.2 ↓ ✅ |" in metrics
    assert "| `lr` | `0.1` | `0.3` | +0.2 ↑ |" in trained.read("reports/params_report.md")
    assert "lot ×3<br/>3 ran" in trained.read("reports/pipeline_graph.md")
    html = page(trained)
    expected = ("summary", "metrics", "parameters", "pipeline", "run", "plots", "reproducibility")
    for section in expected:
        assert f'<section id="{section}">' in html
    assert "The rule holds." in html
    assert '"places":[' in html
    times = perf(Part.TIMES).times
    assert times is not None
    path = " → ".join(name for name, _ in times.critical.stages)
    assert f"{path}." in html  # one path, wherever one looks
    assert "canary" not in html + trained.read("reports/params_report.md")
    assert len(html.encode()) < 1_000_000


def test_a_failure_is_told_as_long_as_it_lasts(trained: Project) -> None:
    trained.write("params.yaml", "lr: much\n")
    trained.repro()
    write_report(trained.root)
    assert "train failed: its command failed with exit code 1. 3 stages were not" in page(trained)
    trained.write("params.yaml", "lr: 0.1\npassword: canary-1\n")
    write_report(trained.root)
    assert "train failed" not in page(trained)
    graph = trained.read("reports/pipeline_graph.md")
    assert "up to date" in graph
    assert "failed" not in graph.partition("classDef")[0]


def test_baseline(trained: Project) -> None:
    def compared(revision: str | None = None) -> str:
        write_report(trained.root, revision=revision)
        return trained.read("reports/metrics_report.md").splitlines()[2]

    assert "(the last commit)" in compared()  # the only one
    git(trained, "branch", "-M", "main")
    git(trained, "checkout", "-qb", "work")
    trained.write("params.yaml", "lr: 0.2\n")
    trained.repro()
    assert "the workspace, compared with" in compared()
    commit(trained, "Train more")
    assert "Train more, compared with" in compared()
    assert "(where this branch left main)" in compared()
    git(trained, "checkout", "-qf", "main")
    git(trained, "merge", "-q", "work")
    assert "(the commit before, since nothing is uncommitted)" in compared()
    assert "(work~1)" in compared("work~1")


def test_plots_show_both_states_where_they_differ(trained: Project) -> None:
    (plot,) = collect_plots(trained.root, "HEAD").plots
    assert {row["rev"] for row in plot.rows} == {"workspace"}
    trained.write("params.yaml", "lr: 0.4\n")
    trained.repro()
    (plot,) = collect_plots(trained.root, "HEAD").plots
    assert len({row["rev"] for row in plot.rows}) == 2


def test_bad_metrics_are_told_and_the_rest_is_written(trained: Project, amelio: Run) -> None:
    trained.write(
        "dvc.yaml", PIPELINE + "metrics: [broken.json, strange.json, later.json, list.yaml]\n"
    )
    trained.write("broken.json", '{"accuracy": 0.')
    trained.write("strange.json", '{"a": NaN, "b": Infinity, "c": "text", "d": [1], "e": null}')
    trained.write("list.yaml", "a: [1")
    trained.write("metrics.json", '{"accuracy": "high", "loss": {"train": 1}}')
    done = amelio("report", cwd=trained.root)
    assert done.returncode == 2
    assert "broken.json: not valid JSON: line 1, column" in done.stderr
    assert "list.yaml: not valid YAML: line" in done.stderr
    assert "note: 1 declared file is not there yet: later.json" in done.stderr
    assert "Traceback" not in done.stderr
    text = trained.read("reports/metrics_report.md")
    assert "| `a` |  | `NaN` | new |" in text
    assert "| `accuracy` | `0.6` | `high` | changed |" in text
    assert "| `loss` | `0.9` |  | gone |" in text
    assert "| `loss.train` |  | `1` | new |" in text
    assert "not valid JSON" in page(trained)
    assert "right" in page(trained)  # the rule, which cannot be judged, is an alert


def test_a_gate_whose_only_metrics_file_is_broken_is_shut(trained: Project) -> None:
    trained.write("metrics.json", '{"accuracy": 0.')
    assert "Alert: right. The gate is shut." in write_comment(trained.root)[0]
    (trained.root / "metrics.json").unlink()
    assert "gate" not in write_comment(trained.root)[0]  # nothing has run yet


def test_ten_thousand_metrics(trained: Project) -> None:
    metrics = {f"section{n % 100}": {f"key{i}": i / 7 for i in range(100)} for n in range(100)}
    trained.write("metrics.json", json.dumps(metrics))
    done = write_report(trained.root)
    assert done.problems == ()
    assert trained.read("reports/metrics_report.md").count("\n| `section") == 10_000
    assert len(page(trained)) < 2_000_000
    comment, _ = write_comment(trained.root)
    assert len(comment.encode()) < 64_000


def test_huge_plot_is_sampled_and_it_is_said(trained: Project) -> None:
    with (trained.root / "curve.csv").open("w") as file:
        file.write("step,loss\n")
        file.writelines(f"{n},{n / 3:.40f}\n" for n in range(200_000))
    assert (trained.root / "curve.csv").stat().st_size > MAX_BYTES
    (plot,) = collect_plots(trained.root).plots
    assert 0.5 * MAX_ROWS < len(plot.rows) <= MAX_ROWS
    assert plot.rows[0]["step"] == "0"
    assert int(plot.rows[-1]["step"]) > 199_000
    assert "of 200,000 rows are drawn" in plot.notes[0]
    write_report(trained.root)
    assert "of 200,000 rows are drawn" in page(trained)
    assert len(page(trained)) < 3_000_000


def test_huge_json_plot(project: Project) -> None:
    project.write("dvc.yaml", "plots: [{big.json: {x: step, y: loss}}, odd.json]\n")
    rows = ",\n".join(f'{{"step": {n}, "loss": 0.5, "text": "{"x" * 200}"}}' for n in range(50_000))
    project.write("big.json", f"[{rows}]")
    project.write("odd.json", '{"rows": "' + "x" * MAX_BYTES + '"}')
    found = collect_plots(project.root)
    assert 0.5 * MAX_ROWS < len(found.plots[0].rows) <= MAX_ROWS
    assert "of 50,000 rows" in found.plots[0].notes[0]
    assert found.problems is not None
    assert "only lists of rows" in found.problems["odd.json"]


def test_unknown_revision_still_writes(trained: Project, amelio: Run) -> None:
    done = amelio("report", "--rev", "mian", cwd=trained.root)
    assert done.returncode == 2
    assert "no revision 'mian'" in done.stderr
    assert (trained.root / "reports/report.html").exists()
    assert "nothing to compare with" in trained.read("reports/params_report.md")


def test_no_commit_yet(project: Project, amelio: Run) -> None:
    project.write("dvc.yaml", PIPELINE)
    done = amelio("report", cwd=project.root)
    assert done.returncode == 0, done.stderr
    assert "There is no commit yet" in done.stderr
    assert (project.root / "reports/report.html").stat().st_size < 60_000  # no charts, no Vega


def test_shallow_clone(trained: Project, tmp_path: Path, amelio: Run) -> None:
    trained.write("params.yaml", "lr: 0.2\n")
    commit(trained, "Second")
    clone = tmp_path / "clone"
    git(trained, "clone", "-q", "--depth", "1", trained.root.as_uri(), str(clone))
    done = amelio("report", cwd=clone)
    assert done.returncode == 0, done.stderr
    assert "This clone is shallow" in done.stderr
    assert amelio("report", "--rev", "HEAD~1", cwd=clone).returncode == 2


def test_comment_goes_to_stdout_or_a_file(trained: Project, amelio: Run) -> None:
    printed = amelio("report", "--pr", cwd=trained.root)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("<!-- amelio report -->\n## Pipeline report\n")
    assert not (trained.root / "reports").exists()
    (trained.root / "deep").mkdir()
    amelio("report", "--pr", "-o", "comment.md", cwd=trained.root / "deep")
    assert trained.read("deep/comment.md") == printed.stdout


def test_folder_and_subfolder(trained: Project, amelio: Run) -> None:
    (trained.root / "deep").mkdir()
    done = amelio("report", "-o", "here", cwd=trained.root / "deep")
    assert done.returncode == 0, done.stderr
    assert (trained.root / "deep/here/report.html").exists()


def test_outside_of_dvc(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not inside of a DVC repository"):
        write_report(tmp_path)


def test_secrets_of_the_environment_stay_out(
    trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_TOKEN", "canary-environment")
    trained.write("params.yaml", "lr: 0.2\nurl: https://ada:canary-url@example.org/x\n")
    trained.write("metrics.json", '{"accuracy": 1, "note": "with canary-environment"}')
    trained.write("curve.csv", "step,loss\n0,canary-environment\n")
    commit(trained, "See canary-environment")
    write_report(trained.root)
    comment, _ = write_comment(trained.root)
    texts = [path.read_text() for path in (trained.root / "reports").iterdir()]
    assert "canary" not in "".join([comment, *texts])
