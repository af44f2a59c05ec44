"""Plot tables and the sheet of mistakes, and that real DVC reads all of them."""

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML

import amelio.templates
from amelio.vision.data.schema import Attribute
from amelio.vision.evaluation.eval_metrics import eval_metrics, save_eval_metrics
from amelio.vision.evaluation.eval_plots import write_eval_plots
from amelio.vision.evaluation.evaluation import Evaluation, Judgement
from amelio.vision.evaluation.mistakes import mistakes_sheet, worst_mistakes
from amelio.vision.evaluation.plot_tables import file_stems, write_csv
from amelio.vision.params import Metric
from amelio.vision.training.trials import Search, TrialRecord, TrialState
from amelio.vision.training.tuning_plots import write_tuning_plots
from tests.conftest import Run

ATTRIBUTES = (Attribute("hair colour", ("black", "châtain", "red")), Attribute("glasses", (0, 1)))


def evaluation(
    seed: int = 0, n: int = 60, attributes: tuple[Attribute, ...] = ATTRIBUTES
) -> Evaluation:
    """Random pictures, truths and predictions."""
    random = np.random.default_rng(seed)
    judgements = []
    for attribute in attributes:
        n_classes = len(attribute.classes)
        probabilities = random.dirichlet(np.ones(n_classes), n)
        actual = random.integers(0, n_classes, n)
        judgements.append(Judgement(attribute, np.arange(n), actual, probabilities))
    images = torch.from_numpy(random.integers(0, 256, (n, 3, 16, 16), dtype=np.uint8))
    files = tuple(f"s1/s1_{number:05}.png" for number in range(n))
    return Evaluation(images, files, tuple(judgements), unjudged=())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_say_what_the_judgements_say(tmp_path: Path) -> None:
    found = evaluation()
    write_eval_plots(found, tmp_path)
    hair = found.judgements[0]
    pairs = [
        (row["actual"], row["predicted"]) for row in rows(tmp_path / "confusion/hair_colour.csv")
    ]
    assert len(pairs) == 60
    assert pairs.count(("red", "châtain")) == hair.matrix[2, 1]
    classes = rows(tmp_path / "classes/hair_colour.csv")
    assert [row["class"] for row in classes] == ["black", "châtain", "red"]
    assert float(classes[2]["recall"]) == pytest.approx(
        hair.matrix[2, 2] / hair.matrix[2].sum(), abs=1e-6
    )
    bins = rows(tmp_path / "calibration/glasses.csv")
    assert sum(int(row["n_images"]) for row in bins) == 60
    assert all(row["perfect"] == row["probability"] for row in bins)


def test_files_of_attributes_that_are_no_more_go(tmp_path: Path) -> None:
    write_eval_plots(evaluation(), tmp_path)
    write_eval_plots(evaluation(attributes=ATTRIBUTES[1:]), tmp_path)
    assert [path.name for path in (tmp_path / "confusion").iterdir()] == ["glasses.csv"]


def test_names_are_safe_and_never_two_alike() -> None:
    names = [
        "hair colour",
        "hair/colour",
        "Hair_Colour",
        "../../etc",
        "",
        "été",
        "髪の色",
        "x" * 300,
    ]
    stems = file_stems(names)
    assert stems[:3] == ["hair_colour", "hair_colour_2", "Hair_Colour_3"]
    assert stems[5:7] == ["été", "髪の色"]
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert all(stem and "/" not in stem and len(stem.encode()) < 200 for stem in stems)


def test_the_surest_mistakes_come_first() -> None:
    found = evaluation()
    mistakes = worst_mistakes(found, n=1000)
    assert len(mistakes) == sum(int((~each.right).sum()) for each in found.judgements)
    sure = [mistake.probability for mistake in mistakes]
    assert sure == sorted(sure, reverse=True)
    assert all(mistake.actual != mistake.predicted for mistake in mistakes)
    first = mistakes[0]
    row = found.files.index(first.file)
    assert (first.pixels == found.images[row].permute(1, 2, 0).numpy()).all()


@pytest.mark.parametrize("n", [1, 60])
def test_the_sheet_is_a_picture_and_the_same_every_time(n: int) -> None:
    sheet = mistakes_sheet(evaluation(n=n))
    assert sheet == mistakes_sheet(evaluation(n=n))
    with Image.open(io.BytesIO(sheet)) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.width > 1000


def test_a_model_without_mistakes_gets_a_sheet_too() -> None:
    found = evaluation()
    perfect = [
        Judgement(each.attribute, each.rows, each.predicted, each.probabilities)
        for each in found.judgements
    ]
    sheet = mistakes_sheet(Evaluation(found.images, found.files, tuple(perfect), ()))
    with Image.open(io.BytesIO(sheet)) as picture:
        assert picture.height < 100


SEARCH = Search(
    start={"learning_rate": 0.001, "optimizer": "AdamW"},
    trials=(
        TrialRecord(
            {"learning_rate": 0.001, "optimizer": "AdamW"}, (0.5, 0.6), TrialState.FINISHED, 3.1
        ),
        TrialRecord({"learning_rate": 0.01, "optimizer": "SGD"}, (0.7,), TrialState.PRUNED, 1.7),
        TrialRecord(
            {"learning_rate": 0.005, "optimizer": "SGD"}, (0.5, 0.65), TrialState.FINISHED, 3.0
        ),
    ),
)


def test_a_pruned_trial_is_never_the_best() -> None:
    found = SEARCH.found()
    assert (found.trial, found.val_accuracy, found.start_val_accuracy) == (3, 0.65, 0.6)


def test_trials_as_tables(tmp_path: Path) -> None:
    write_tuning_plots(SEARCH, tmp_path)
    trials = rows(tmp_path / "trials.csv")
    assert [row["val_accuracy"] for row in trials] == ["0.6", "0.7", "0.65"]
    assert [row["best"] for row in trials] == ["0.6", "0.6", "0.65"]  # a pruned one is no best
    assert [row["state"] for row in trials] == ["finished", "pruned", "finished"]
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["learning_rate.csv"]


TEMPLATE = Path(amelio.templates.__file__).parent / "vision/dvc.yaml"


KINDS = ("confusion", "classes", "calibration")
NAMES = ("hair_colour", "glasses")
DRIFT = "plots/drift/lots/s2.csv"
CURVE = "plots/training/plots/metrics/train/loss.tsv"


def pipeline() -> str:
    """Two stages without programs, and what the pipeline's own `plots:` says to draw."""
    plots = YAML(typ="safe").load(TEMPLATE.read_text(encoding="utf-8"))["plots"]
    metrics = [{"metrics/eval_metrics.json": {"cache": False}}]
    stages = {
        "hyperopt": {"cmd": "true", "outs": ["plots/hyperopt"]},
        "train": {"cmd": "true", "outs": ["plots/training"]},
        "evaluate": {"cmd": "true", "outs": ["plots/evaluate"], "metrics": metrics},
        "performance_test": {"cmd": "true", "outs": ["plots/performance"]},
        "monitor_drift": {"cmd": "true", "outs": ["plots/drift"]},
    }
    return json.dumps({"stages": stages, "plots": plots})  # JSON is YAML


def write_curve(path: Path) -> None:
    """A curve as dvclive writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("step\tloss\n0\t1.0\n1\t0.5\n")


def test_dvc_shows_and_compares_all_of_it(repository: Path, amelio: Run) -> None:
    (repository / "dvc.yaml").write_text(pipeline())

    def make(seed: int) -> None:
        found = evaluation(seed)
        write_eval_plots(found, repository / "plots/evaluate")
        write_tuning_plots(SEARCH, repository / "plots/hyperopt")
        write_curve(repository / CURVE)
        write_csv(
            repository / "plots/performance/robustness.csv",
            ["level", "brightness", "blur", "noise", "jpeg", "shift"],
            [[0, 0.9, 0.9, 0.9, 0.9, 0.9], [1, 0.8, 0.7, 0.6, 0.5, 0.4]],
        )
        write_csv(repository / "plots/drift/lots.csv", ["lot", "strength"], [["s2", 0.5]])
        write_csv(repository / DRIFT, ["trait", "strength"], [["brightness", 0.5]])
        (repository / "plots/drift/pictures.png").write_bytes(mistakes_sheet(found))
        figures = eval_metrics(found, list(Metric))
        save_eval_metrics(figures, repository / "metrics/eval_metrics.json")
        assert amelio("commit", "--force", cwd=repository).returncode == 0

    def read(*words: str) -> Any:
        done = amelio(*words, "--json", cwd=repository)
        assert done.returncode == 0, done.stderr
        assert "failed" not in done.stderr
        return json.loads(done.stdout)

    make(seed=0)
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    subprocess.run(["git", "commit", "--quiet", "--message", "a"], cwd=repository, check=True)
    make(seed=1)
    expected = {f"plots/evaluate/{kind}/{name}.csv" for kind in KINDS for name in NAMES}
    expected |= {"plots/evaluate/mistakes.png", "plots/hyperopt/keys/learning_rate.csv", CURVE}
    shown = read("plots", "show")
    assert "errors" not in shown
    expected |= {"Tuning trials", "Accuracy on changed images", "Drift of the lots"}
    expected |= {DRIFT, "plots/drift/pictures.png"}
    assert shown["data"].keys() == expected
    spec = shown["data"]["plots/evaluate/confusion/glasses.csv"][0]["content"]
    assert len(spec["data"]["values"]) == 60
    compared = read("plots", "diff", "HEAD")["data"]
    assert compared.keys() == shown["data"].keys()
    assert len(compared["plots/evaluate/mistakes.png"]) == 2
    changed = read("metrics", "diff")["metrics/eval_metrics.json"]
    assert "overall.average_accuracy" in changed
    assert "attributes.hair colour.classes.red.recall" in changed
