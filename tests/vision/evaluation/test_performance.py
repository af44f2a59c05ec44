"""The performance stage's work on a small real model and real files; no timing is asserted."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.evaluation import performance as performance_module
from amelio.vision.evaluation.cold_start import measure_cold_start
from amelio.vision.evaluation.performance import measure_performance
from amelio.vision.evaluation.performance_report import write_performance
from amelio.vision.evaluation.robustness import Corruption, Robustness
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.inference.runtimes import OnnxRuntime, TorchRuntime, agreement, export_onnx
from amelio.vision.params import PerformanceParams
from tests.vision.conftest import MakeData

PARAMS = PerformanceParams(
    batch_sizes=[4], n_images=9, rounds=2, round_s=0.001, max_size_mb=0.001, min_throughput=0
)


@pytest.fixture(scope="module")
def data(make_data: MakeData) -> PreparedData:
    return make_data(n=45, size=8)


@pytest.fixture(scope="module")
def model(data: PreparedData) -> Model:
    """Untrained, but one that looks at each image both ways."""
    torch.manual_seed(0)
    net = new_net(data.attributes, data.preprocessing).eval()
    return Model(net, data.attributes, data.preprocessing, {"augmentation": {"flip": True}})


@pytest.fixture(scope="module")
def raw(data: PreparedData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for file, image in zip(data.files, data.images, strict=True):
        (folder / file).parent.mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / file)
    return folder


def test_a_runtime_predicts_what_amelio_predicts(
    model: Model, data: PreparedData, tmp_path: Path
) -> None:
    expected = predict_probabilities(model, data.images)
    path = tmp_path / "model.onnx"
    export_onnx(model, path)
    onnx = OnnxRuntime(path)
    for mine, exported, theirs in zip(
        TorchRuntime(model)(data.images), onnx(data.images), expected, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=0.02)  # bfloat16, another batch size
        np.testing.assert_allclose(exported, theirs, atol=0.02)
    agreed = agreement(model, onnx, data.images)
    assert agreed.max_difference < 1e-4
    assert agreed.same_class_share > 0.9
    other = replace(model, net=new_net(data.attributes, data.preprocessing).eval())
    assert agreement(other, onnx, data.images).max_difference > 0.01


def test_figures_page_and_curve(
    model: Model, data: PreparedData, raw: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.pth"
    save_model(model, path)
    found = measure_performance(model, path, data, raw, PARAMS)
    places = {
        "metrics": tmp_path / "metrics/p.json",
        "plots": tmp_path / "plots",
        "report": tmp_path / "reports/p.md",
    }
    write_performance(found, PARAMS, **places)
    metrics = json.loads(places["metrics"].read_text())
    for runtime in ("torch", "onnx"):
        for kind in ("end_to_end", "model"):
            figures = metrics[runtime][kind]
            assert set(figures["throughput"]) == {"1", "4"}
            assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p95"]
    assert metrics["budgets"]["max_size_mb"] == {
        "value": pytest.approx(path.stat().st_size / 1e6, rel=1e-3),
        "limit": 0.001,
    }
    assert metrics["robustness"]["n_images"] == 9
    noise = metrics["budgets"]["min_accuracy_under_noise"]
    assert noise == {"value": metrics["robustness"]["noise"]["2"], "limit": 0.5}
    assert metrics["memory"]["peak_mb"] > 50
    assert metrics["start"]["load_s"] > 0
    assert metrics["machine"]["n_threads"] == torch.get_num_threads()
    page = places["report"].read_text()
    assert "| max_size_mb |" in page
    assert "**no**" in page
    assert (tmp_path / "plots/robustness.csv").read_text().startswith("level,brightness,blur,")


def test_without_onnx_its_part_is_left_out_and_said(
    model: Model, data: PreparedData, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance_module, "missing_onnx", lambda: ["onnx"])
    monkeypatch.setattr(
        "amelio.vision.evaluation.robustness.STRENGTHS", {Corruption.NOISE: (8, 16, 32, 64)}
    )
    path = tmp_path / "model.pth"
    save_model(model, path)
    found = measure_performance(model, path, data, raw, PARAMS)
    found = replace(found, robustness=Robustness(9, 1.0, dict.fromkeys(Corruption, (0.0,) * 4)))
    report = tmp_path / "p.md"
    metrics = tmp_path / "p.json"
    write_performance(found, PARAMS, metrics=metrics, plots=tmp_path, report=report)
    assert "onnx" not in json.loads(metrics.read_text())
    assert "ONNX Runtime was left out: `pip install 'amelio[onnx]'`" in report.read_text()


def test_what_cannot_be_measured_is_refused(
    model: Model, data: PreparedData, raw: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.pth"
    save_model(model, path)
    unlabelled = replace(data, labels=torch.full_like(data.labels, -1))
    with pytest.raises(InputError, match="no test image has a label"):
        measure_performance(model, path, unlabelled, raw, PARAMS)
    with pytest.raises(InputError, match=r"amelio pull .*nowhere"):
        measure_performance(model, path, data, tmp_path / "nowhere", PARAMS)
    other = replace(model, attributes=model.attributes[:1])
    with pytest.raises(InputError, match="trained on other attributes"):
        measure_performance(other, path, data, raw, PARAMS)
    with pytest.raises(EnvironmentFailedError, match="a fresh process could not predict"):
        measure_cold_start(tmp_path / "nothing.pth", 1)


def test_pytest_passes_over_the_stage_program(tmp_path: Path) -> None:
    """In a user's project, `pytest` finds the user's own tests and not our stage."""
    testing = tmp_path / "src/testing"
    testing.mkdir(parents=True)
    template = files("amelio.templates") / "vision/src/testing"
    for name in ("test_performance.py", "conftest.py"):
        (testing / name).write_bytes((template / name).read_bytes())
    (testing / "test_mine.py").write_text("def test_mine():\n    assert True\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir=."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout
    assert "test_performance" not in done.stdout
