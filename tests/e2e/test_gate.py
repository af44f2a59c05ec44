"""What stops predictions and what does not: a drifted lot, a slow model. A worse challenger is in
test_champion.py, faulty data in test_data_gate.py.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from amelio.actions.check import check_quality
from amelio.actions.params_file import edit_params
from amelio.dvcio.project import commit_all
from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.dataset import load_dataset, save_dataset
from amelio.vision.data.schema import Attribute
from tests.conftest import Run
from tests.e2e.test_pipeline import ran

# A model of one epoch is weak: only what a test is about may shut the gate.
STRICT: dict[str, Any] = {
    "quality.on_alert": "fail",
    "quality.rules.accuracy.alert_below": 0,
    "quality.rules.accuracy.warning_below": 0,
    "quality.rules.latency.severity": "alert",
    "performance.max_latency_p95_ms": 10_000,
    "performance.min_accuracy_under_noise": 0,
}
COMPARISON = "comparison: metrics/model_comparison.json:overall.verdict"


@pytest.fixture
def project(guide_project: Path) -> Path:
    """A committed project that has been run: s1 is annotated, s2 predicted."""
    params = guide_project / "params.yaml"
    edit_params(params, STRICT)
    warned = f"{COMPARISON}\n      severity: warning"
    params.write_text(params.read_text().replace(COMPARISON, warned))
    commit_all(guide_project, "Judge strictly")
    return guide_project


@pytest.fixture
def _without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `pip install amelio[vision]`: exporting takes longer than all else here."""
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['onnx'] = None\n")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)


def test_a_drifted_lot_is_reported_and_stops_nothing(amelio: Run, project: Path) -> None:
    dark = project / "data/raw/s3"
    dark.mkdir()
    for file in (project / "data/raw/s2").iterdir():
        with Image.open(file) as image:
            darker = image.convert("RGB").point([level // 4 for level in range(256)] * 3)
        darker.save(dark / file.name.replace("s2", "s3"))
    assert amelio("unfreeze", "monitor_drift", cwd=project).returncode == 0
    left_out = amelio("repro", "monitor_drift", cwd=project)
    assert "[monitor_drift] warning: nothing predicts data/raw/s3: `amelio lots sync`" in (
        left_out.stdout
    )
    assert amelio("lots", "sync", cwd=project).returncode == 0
    done = amelio("repro", "-v", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 2 lots drifts: s3." in done.stdout
    drift = json.loads((project / "metrics/drift.json").read_text())
    assert {lot: figures["drifts"] for lot, figures in drift["lots"].items()} == {
        "s2": False,
        "s3": True,
    }
    assert "## s3: " in (project / "reports/drift.md").read_text()
    assert verdict(project, "drift") == "warning"
    page = (project / "reports/quality.md").read_text()
    assert "| drift | warning |" in page
    assert "The gate is passed." in page
    assert "predict_lot@s3" in ran(done.stdout)
    assert "\ns3_" in (project / "outputs/predictions.csv").read_text()


@pytest.mark.usefixtures("_without_onnx")
def test_a_slow_model_predicts_nothing(amelio: Run, project: Path) -> None:
    """A model of one's own: PyTorch alone takes longer than the limit to call its 2,000 heads, on
    any machine, and a busy one only makes it slower. The pipeline's own takes half the limit.
    """
    before = (project / "outputs/predictions.csv").read_bytes()
    edit_params(project / "params.yaml", {"performance.max_latency_p95_ms": 5})
    put_slow_model(project)
    assert amelio("unfreeze", "performance_test", cwd=project).returncode == 0
    done = amelio("repro", "-v", "--downstream", "performance_test", cwd=project)
    assert done.returncode == 1, done.stderr
    assert "the quality gate is shut: latency (" in done.stdout + done.stderr
    assert ran(done.stdout) == ["performance_test", "check_quality"]
    assert verdict(project, "latency") == "alert"
    page = (project / "reports/quality.md").read_text()
    assert "❌ Alert: latency. The gate is shut." in page
    assert re.search(r"max_latency_p95_ms.value is \d[\d.]*, must be at most 5 ", page)
    report = (project / "reports/performance.md").read_text().splitlines()
    assert next(line for line in report if "max_latency_p95_ms" in line).endswith("| **no** |")
    assert (project / "outputs/predictions.csv").read_bytes() == before


def put_slow_model(project: Path) -> None:
    """Put another model, and the data that it is for, in place of those of the pipeline."""
    prepared, best = project / "data/processed/train_data_s1.pt", project / "models/best_model.pth"
    data = load_dataset(prepared)
    tags = tuple(Attribute(f"tag {number}", ("no", "yes")) for number in range(2000))
    labels = (data.labels[:, :1] > 0).to(data.labels.dtype).repeat(1, len(tags))
    model = Model(new_net(tags, data.preprocessing), tags, data.preprocessing)
    save_dataset(replace(data, attributes=tags, labels=labels), prepared)
    save_model(model, best)


def verdict(project: Path, rule: str) -> str:
    """What the rule gives, as `amelio check` says it."""
    found = check_quality(project, ["params.yaml"]).verdicts
    return next(each.status.value for each in found if each.rule == rule)
