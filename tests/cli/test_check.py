"""`amelio check` and the gate's stage as their users run them."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from amelio.dvcio.passthrough import stage_environment
from tests.conftest import Run
from tests.quality.conftest import LOCAL, HttpServer, http_server  # noqa: F401

RULES = """quality:
  rules:
    accuracy:
      metric: metrics/eval_metrics.json:overall.average_accuracy
      alert_below: 0.70
      warning_below: 0.80
"""
PIPELINE = """stages:
  check_quality:
    cmd: python src/monitoring/check_metrics.py
    deps: [metrics/eval_metrics.json, src/monitoring/check_metrics.py]
    params: [quality]
    outs:
      - metrics/quality_gate.json: {cache: false}
  predict:
    cmd: cp metrics/quality_gate.json predictions.csv && echo x >> ../count
    deps: [metrics/quality_gate.json]
    outs: [predictions.csv]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the mark of a DVC repository, which is all that `check` needs here."""
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def measure(folder: Path, accuracy: float) -> None:
    (folder / "metrics").mkdir(exist_ok=True)
    text = json.dumps({"overall": {"average_accuracy": accuracy}})
    (folder / "metrics" / "eval_metrics.json").write_text(text)


@pytest.mark.parametrize(
    ("accuracy", "code", "word"), [(0.65, 1, "alert"), (0.75, 0, "warning"), (0.9, 0, "ok")]
)
def test_the_guides_limits_hold_where_no_rules_are_given(
    amelio: Run, project: Path, accuracy: float, code: int, word: str
) -> None:
    measure(project, accuracy)
    done = amelio("check", cwd=project)
    assert done.returncode == code
    for text in (
        str(accuracy),
        word,
        "alert below 0.7",
        "eval_metrics.json:overall.average_accuracy",
    ):
        assert text in done.stdout
    assert ("the quality gate is shut: accuracy" in done.stderr) == bool(code)


def test_json_and_markdown_say_the_same(amelio: Run, project: Path) -> None:
    measure(project, 0.65)
    (project / "deep").mkdir()
    as_json = amelio("check", "--json", cwd=project / "deep")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout) == {
        "verdict": "alert",
        "on_alert": "fail",
        "rules": [
            {
                "rule": "accuracy",
                "verdict": "alert",
                "value": 0.65,
                "limit": "alert below 0.7, warning below 0.8",
                "message": "0.65 is below 0.7",
                "source": "metrics/eval_metrics.json:overall.average_accuracy",
            }
        ],
    }
    as_md = amelio("check", "--md", cwd=project)
    assert as_md.returncode == 1
    assert "| accuracy | alert | 0.65 | alert below 0.7, warning below 0.8 |" in as_md.stdout
    assert as_md.stdout.startswith("# Quality\n\n❌ Alert: accuracy. The gate is shut.\n")


def test_on_alert_warn_lets_it_pass(amelio: Run, project: Path) -> None:
    measure(project, 0.65)
    (project / "params.yaml").write_text("quality: {on_alert: warn}\n")
    done = amelio("check", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The gate is passed, since quality.on_alert is warn." in done.stdout


@pytest.mark.parametrize(
    "text", ["quality: {rules: {a: {metrc: x}}}", "quality: {on_alert: never}", "quality: {rules: "]
)
def test_wrong_rules_exit_with_2(amelio: Run, project: Path, text: str) -> None:
    measure(project, 0.9)
    (project / "amelio.yaml").write_text(text)
    done = amelio("check", cwd=project)
    assert done.returncode == 2
    assert done.stderr.startswith("amelio: amelio.yaml:")


def test_before_the_first_run_it_says_what_makes_the_metrics(amelio: Run, repository: Path) -> None:
    (repository / "params.yaml").write_text(RULES)
    done = amelio("check", cwd=repository)
    assert done.returncode == 1
    assert "no file metrics/eval_metrics.json" in done.stdout
    assert "No rule found its metrics: `amelio repro` makes them." in done.stdout


def test_no_rules_exit_with_2_and_an_example(amelio: Run, repository: Path) -> None:
    (repository / "dvc.yaml").write_text("metrics: [scores.json]\n")
    done = amelio("check", cwd=repository)
    assert done.returncode == 2
    assert "metric: scores.json:accuracy" in done.stderr
    assert amelio("check", "--json", "--md", cwd=repository).returncode == 2


def test_alerts_from_the_command_line(
    amelio: Run,
    project: Path,
    http_server: HttpServer,  # noqa: F811
) -> None:
    measure(project, 0.6)
    known = {"AMELIO_ALERT_URLS": http_server.url}
    refused = amelio("check", cwd=project, **known)
    assert refused.returncode == 1
    assert "alert not sent to 1 (json): refused: 127.0.0.1 is this machine" in refused.stderr
    assert amelio("check", "--test-alert", cwd=project, **known).returncode == 4
    known["AMELIO_ALERT_ALLOW"] = LOCAL
    assert amelio("check", "--test-alert", cwd=project, **known).stdout == "1 (json): delivered\n"
    assert "alert sent to 1 (json)" in amelio("check", cwd=project, **known).stderr
    assert "alert" not in amelio("check", "--json", cwd=project, **known).stderr.partition("\n")[0]
    assert len(http_server.got) == 2
    assert amelio("check", "--test-alert", cwd=project).returncode == 2


def test_the_gates_stage_under_plain_dvc(repository: Path) -> None:
    """A shut gate keeps its report; new decimals do not run what stands behind it."""
    program = files("amelio.templates") / "vision/src/monitoring/check_metrics.py"
    project = repository / "project"
    (project / "src" / "monitoring").mkdir(parents=True)
    (project / "src" / "monitoring" / "check_metrics.py").write_text(program.read_text())
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "params.yaml").write_text(RULES)
    page, gate = project / "reports" / "quality.md", project / "metrics" / "quality_gate.json"

    def repro() -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "dvc", "repro"]
        return subprocess.run(
            argv, cwd=project, env=stage_environment(), capture_output=True, text=True
        )

    measure(project, 0.91)
    assert repro().returncode == 0
    assert json.loads(gate.read_text()) == {"verdict": "passed"}
    for accuracy in (0.912, 0.75):
        measure(project, accuracy)
        assert "accuracy" in repro().stdout
        assert f"{accuracy}" in page.read_text()
    assert (repository / "count").read_text() == "x\n"

    measure(project, 0.6)
    shut = repro()
    assert shut.returncode != 0
    assert "the quality gate is shut: accuracy" in shut.stdout + shut.stderr
    assert "❌ Alert: accuracy. The gate is shut." in page.read_text()
    assert not gate.exists()

    (project / "params.yaml").write_text(RULES.replace("quality:", "quality:\n  on_alert: warn"))
    assert repro().returncode == 0
    assert "The gate is passed, since quality.on_alert is warn" in page.read_text()
    assert (repository / "count").read_text() == "x\n"


def test_help_imports_no_network_client(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "amelio", "check", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "amelio.actions.check" in imported
    assert not imported & {"dvc", "torch", "apprise", "requests", "numpy"}
