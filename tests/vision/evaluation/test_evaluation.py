"""Evaluation: unknown labels stay out, only the metrics that are asked for are computed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from amelio.errors import InputError
from amelio.vision.checkpoint import Model, new_net
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Attribute, Side
from amelio.vision.evaluation.eval_metrics import eval_metrics, save_eval_metrics
from amelio.vision.evaluation.evaluation import evaluate
from amelio.vision.inference.prediction import predict_probabilities
from amelio.vision.params import Metric
from tests.vision.conftest import MakeData

TEST = int(Side.TEST)


@pytest.fixture(scope="session")
def data(make_data: MakeData) -> PreparedData:
    return make_data(200)


@pytest.fixture(scope="session")
def model(data: PreparedData) -> Model:
    torch.manual_seed(0)
    return Model(new_net(data.attributes, data.preprocessing), data.attributes, data.preprocessing)


def test_figures_are_those_of_the_test_side(data: PreparedData, model: Model) -> None:
    found = eval_metrics(evaluate(model, data), list(Metric))
    images, labels = data.on(Side.TEST)
    accuracies, f1_scores = [], []
    for column, probabilities in enumerate(predict_probabilities(model, images)):
        actual, predicted = labels[:, column], probabilities.argmax(1)
        accuracies.append(reference.accuracy_score(actual, predicted))
        f1_scores.append(reference.f1_score(actual, predicted, average="macro", zero_division=0))
    overall = found["overall"]
    assert overall["n_images"] == 40
    assert overall["average_accuracy"] == pytest.approx(np.mean(accuracies), abs=1e-6)
    assert overall["average_f1_score"] == pytest.approx(np.mean(f1_scores), abs=1e-6)
    colour = found["attributes"]["colour"]
    assert colour["accuracy"] == pytest.approx(accuracies[0], abs=1e-6)
    assert colour["classes"].keys() == {"red", "green", "blue"}
    assert sum(each["n_images"] for each in colour["classes"].values()) == 40
    assert found["attributes"]["mirrored"]["classes"].keys() == {"0", "1"}


def test_unknown_labels_are_left_out(data: PreparedData, model: Model) -> None:
    tests = (data.sides == TEST).nonzero().squeeze(1)
    labels = data.labels.clone()
    labels[tests[5:], 0] = -1
    found = evaluate(model, replace(data, labels=labels))
    assert found.judgements[0].rows.tolist() == [0, 1, 2, 3, 4]
    whole = evaluate(model, data).judgements[0]
    assert found.judgements[0].predicted.tolist() == whole.predicted[:5].tolist()
    assert found.warnings == []


def test_an_attribute_without_test_labels_is_reported_as_absent(
    data: PreparedData, model: Model
) -> None:
    labels = data.labels.clone()
    labels[data.sides == TEST, 0] = -1
    found = evaluate(model, replace(data, labels=labels))
    assert found.warnings == ["colour: no test image has a label, so nothing is said of it"]
    figures = eval_metrics(found, list(Metric))
    assert figures["attributes"]["colour"] == {"n_images": 0}
    mirrored = figures["attributes"]["mirrored"]["accuracy"]
    assert figures["overall"]["average_accuracy"] == mirrored
    labels[:] = -1
    with pytest.raises(InputError, match="none of the 40 test images has a label"):
        evaluate(model, replace(data, labels=labels))


def test_only_the_named_metrics_are_computed(data: PreparedData, model: Model) -> None:
    found = eval_metrics(evaluate(model, data), [Metric.RECALL, Metric.CALIBRATION_ERROR])
    averages = {"average_recall", "average_calibration_error"}
    assert found["overall"].keys() == averages | {"n_images"}
    colour = found["attributes"]["colour"]
    names = {"n_images", "recall", "calibration_error", "classes", "confusion_matrix"}
    assert colour.keys() == names
    matrix = torch.tensor(colour["confusion_matrix"])
    assert matrix.sum(1).tolist() == [each["n_images"] for each in colour["classes"].values()]
    assert colour["classes"]["red"].keys() == {"n_images", "recall"}


def test_a_model_of_other_attributes_is_refused(data: PreparedData, model: Model) -> None:
    other = (Attribute("shape", ("round", "square")), data.attributes[1])
    for changes in (
        {"attributes": other},
        {"preprocessing": replace(data.preprocessing, image_size=9)},
    ):
        with pytest.raises(InputError, match="trained on other attributes, classes or image"):
            evaluate(replace(model, **changes), data)


def test_the_metrics_file_is_the_same_every_time(
    data: PreparedData, model: Model, tmp_path: Path
) -> None:
    for name in ("a.json", "b.json"):
        save_eval_metrics(eval_metrics(evaluate(model, data), list(Metric)), tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text())["overall"]["n_images"] == 40
