"""Verdicts, models of other attributes and sizes, baselines, and what is written."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import Ridge

from amelio.errors import InputError
from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Attribute, Preprocessing, Side
from amelio.vision.evaluation.answers import Answers, answers_of, files_of_test
from amelio.vision.evaluation.baselines import linear_answers, majority_answers
from amelio.vision.evaluation.comparison import Verdict, accuracies, compare, in_words
from amelio.vision.evaluation.comparison_report import (
    NO_CHAMPION,
    all_in_words,
    comparison_metrics,
    write_comparison,
)
from amelio.vision.evaluation.references import Reference, reference_answers
from amelio.vision.params import CompareParams
from tests.vision.conftest import MakeData

PARAMS = CompareParams(n_resamples=1000)
NOWHERE = Path("no/such/folder")


def right_in(data: PreparedData, share: float, name: str = "it", shift: int = 0) -> Answers:
    """Answers of which `share` are right for each attribute; the first images are the right ones.

    shift: by how many images the right ones begin later
    """
    labels = data.on(Side.TEST)[1].numpy()
    wrong = np.arange(len(labels)) >= share * len(labels)
    wrong = np.roll(wrong, shift)[:, None]
    counts = np.array([len(attribute.classes) for attribute in data.attributes])
    given = np.where(wrong, (labels + 1) % counts, labels)
    names = [attribute.name for attribute in data.attributes]
    return Answers(name, dict(zip(names, given.T, strict=True)))


def untrained(attributes: Sequence[Attribute], size: int = 8) -> Model:
    torch.manual_seed(0)
    preprocessing = Preprocessing(size, trim_border=False)
    net = new_net(tuple(attributes), preprocessing).eval()
    return Model(net, tuple(attributes), preprocessing)


@pytest.mark.parametrize(
    ("champion", "challenger", "expected"),
    [
        (0.8, 0.95, Verdict.BETTER),
        (0.95, 0.8, Verdict.WORSE),
        (0.9, 0.9, Verdict.EQUIVALENT),
        (0.895, 0.905, Verdict.EQUIVALENT),
    ],
)
def test_the_verdict_follows_the_figures(
    make_data: MakeData, champion: float, challenger: float, expected: Verdict
) -> None:
    data = make_data(n=1000)
    found = compare(right_in(data, champion), right_in(data, challenger), data, PARAMS)
    assert found.overall.verdict is expected
    assert {each.verdict for each in found.attributes.values()} == {expected}
    assert found.overall.reference_accuracy == pytest.approx(champion)
    assert found.overall.difference == pytest.approx(challenger - champion)
    assert found.overall.n_images == 200
    interval = found.overall.interval
    assert interval.low <= found.overall.difference <= interval.high


def test_a_sure_difference_below_min_effect_counts_as_none(make_data: MakeData) -> None:
    data = make_data(n=1000)
    params = CompareParams(n_resamples=1000, min_effect=0.2)
    found = compare(right_in(data, 0.8), right_in(data, 0.95), data, params)
    assert found.overall.verdict is Verdict.EQUIVALENT
    assert in_words(found).endswith("0.9500 against 0.8000; from 20 on it counts")


def test_a_large_difference_of_few_images_is_not_shown(make_data: MakeData) -> None:
    data = make_data(n=50)
    found = compare(right_in(data, 0.6, "A"), right_in(data, 1.0, "B"), data, PARAMS)
    assert found.overall.difference == 0.4
    assert found.overall.verdict is Verdict.EQUIVALENT
    assert in_words(found).startswith("B is equivalent to A, as far as 10 test images tell: +40.0")


def test_a_verdict_in_words(make_data: MakeData) -> None:
    data = make_data(n=1000)
    challenger = right_in(data, 0.95, "the challenger")
    words = in_words(compare(right_in(data, 0.8, "the champion"), challenger, data, PARAMS))
    assert words.startswith("the challenger is better than the champion: +15.0 points (95 % CI +1")
    assert words.endswith("0.9500 against 0.8000")


def test_unknown_labels_are_left_out(make_data: MakeData) -> None:
    data = make_data(n=1000)
    labels = data.labels.clone()
    labels[900:, 0] = -1
    labels[:, 1] = -1
    data = replace(data, labels=labels)
    found = compare(right_in(data, 0.8), right_in(data, 0.95), data, PARAMS)
    assert found.overall.n_images == found.attributes["colour"].n_images == 100
    assert found.overall.challenger_accuracy == 1.0
    assert found.left_out == ("mirrored",)


def test_classes_in_another_order_are_the_same_classes(make_data: MakeData) -> None:
    data = make_data()
    model = untrained(data.attributes)
    given = answers_of("m", model, data, NOWHERE).predicted["colour"]
    reordered = Attribute("colour", ("blue", "red", "purple"))
    other = replace(model, attributes=(reordered, data.attributes[1]))
    names = np.array(["red", "green", "blue"])
    seen = np.array(["blue", "red", "purple"])[given]
    again = answers_of("o", other, data, NOWHERE).predicted["colour"]
    assert (names[again[again >= 0]] == seen[again >= 0]).all()
    assert (seen[again < 0] == "purple").all()


def test_models_are_compared_on_the_attributes_that_both_know(make_data: MakeData) -> None:
    data = make_data()
    one = untrained([data.attributes[0], Attribute("age", ("old", "new"))])
    champion = answers_of("the champion", one, data, NOWHERE)
    found = compare(champion, right_in(data, 1.0), data, PARAMS)
    assert list(found.attributes) == ["colour"]
    assert found.left_out == ("mirrored",)


def test_a_model_without_a_shared_attribute_is_refused(make_data: MakeData) -> None:
    model = untrained([Attribute("age", ("old", "new"))])
    with pytest.raises(InputError, match=r"knows none of the data's attributes: age"):
        answers_of("the champion", model, make_data(), NOWHERE)


def test_a_model_of_another_size_sees_the_raw_images(make_data: MakeData, tmp_path: Path) -> None:
    data = make_data(n=40)
    for file, image in zip(data.files, data.images, strict=True):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    same = answers_of("s", untrained(data.attributes), data, NOWHERE)
    claimed = replace(data, preprocessing=Preprocessing(16, trim_border=False))
    again = answers_of("a", untrained(data.attributes), claimed, tmp_path)
    for name, predicted in same.predicted.items():
        assert (again.predicted[name] == predicted).all()
    (tmp_path / files_of_test(data)[3]).unlink()
    with pytest.raises(InputError, match="8 pixels, the data has 16") as caught:
        answers_of("a", untrained(data.attributes), claimed, tmp_path)
    assert "amelio pull" in str(caught.value)


def test_the_majority_is_that_of_the_training_side(make_data: MakeData) -> None:
    data = make_data()
    labels = data.labels.clone()
    labels[:, 0] = torch.where(data.sides == int(Side.TEST), 1, 2)
    labels[data.sides == int(Side.VALIDATION), 0] = 0
    answers = majority_answers(replace(data, labels=labels))
    assert set(answers.predicted["colour"].tolist()) == {2}


def test_the_linear_model_is_that_of_scikit_learn(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amelio.vision.evaluation.baselines.PENALTIES", (10.0,))
    data = make_data(n=400, size=16)
    train, test = (data.on(side)[0] / 127.5 - 1 for side in (Side.TRAIN, Side.TEST))
    targets = torch.nn.functional.one_hot(data.on(Side.TRAIN)[1][:, 0])
    expected = Ridge(10.0).fit(train.flatten(1), targets).predict(test.flatten(1)).argmax(1)
    assert (linear_answers(data).predicted["colour"] == expected).all()


def test_the_linear_model_learns_what_is_easy(make_data: MakeData) -> None:
    data = make_data(n=400, size=16)
    assert accuracies(linear_answers(data), data)["colour"] > 0.9
    assert accuracies(majority_answers(data), data)["colour"] < 0.6


def test_without_a_champion_the_better_baseline_is_the_reference(
    make_data: MakeData, tmp_path: Path
) -> None:
    data = make_data(n=400, size=16)
    champion = tmp_path / "champion.pth"
    save_model(untrained(data.attributes, size=16), champion)  # left behind by a checkout
    references = reference_answers(champion, data, NOWHERE)
    assert list(references) == [Reference.LINEAR, Reference.MAJORITY]
    champion.with_name("champion.pth.dvc").touch()
    assert list(reference_answers(champion, data, NOWHERE)) == [Reference.CHAMPION]
    champion.unlink()
    with pytest.raises(InputError, match="amelio pull"):
        reference_answers(champion, data, NOWHERE)


def test_metrics_are_flat_and_the_report_readable(make_data: MakeData, tmp_path: Path) -> None:
    data = make_data(n=1000)
    challenger = right_in(data, 0.95, "the challenger")
    comparisons = {
        Reference.LINEAR: compare(right_in(data, 0.8, "a <b>"), challenger, data, PARAMS),
        Reference.MAJORITY: compare(right_in(data, 0.5, "the majority"), challenger, data, PARAMS),
    }
    metrics, report = tmp_path / "metrics/m.json", tmp_path / "reports/m.md"
    write_comparison(comparisons, metrics, report)
    written = json.loads(metrics.read_text())
    assert written == comparison_metrics(comparisons)
    assert written["overall"]["verdict"] == "better"
    assert written["overall"]["reference"] == "linear_on_pixels"
    assert written["attributes"]["colour"]["difference"] == 0.15
    assert 0 < written["attributes"]["colour"]["p_corrected"] < 1e-6
    assert written["others"]["majority_class"]["reference_accuracy"] == 0.5
    text = report.read_text()
    assert "| **mean** | 200 | 0.8000 | 0.9500 | +15.0 |" in text
    assert "The challenger is better than the majority: +45.0 points" in text


def test_that_there_is_no_champion_is_said(make_data: MakeData, tmp_path: Path) -> None:
    data = make_data(n=50)
    comparison = compare(right_in(data, 0.8), right_in(data, 0.95), data, PARAMS)
    for reference, is_said in ((Reference.MAJORITY, True), (Reference.CHAMPION, False)):
        write_comparison({reference: comparison}, tmp_path / "m.json", tmp_path / "m.md")
        assert (NO_CHAMPION in (tmp_path / "m.md").read_text()) == is_said
        assert all_in_words({reference: comparison})[-1] == in_words(comparison)
        assert (NO_CHAMPION in all_in_words({reference: comparison})) == is_said
