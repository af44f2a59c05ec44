"""`amelio demo`: made whole, once, and never over other people's files."""

import csv
import json
import subprocess
from pathlib import Path

import pytest

from amelio.actions import demo
from amelio.actions.demo import finish_demo, make_demo
from amelio.cli.demo import _drawing, _places
from amelio.demos.collection import MIN_IMAGES, Collection, write_collection
from amelio.errors import InputError
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.prepare import prepare
from amelio.vision.params import Params, load_params
from tests.conftest import Run

LOTS = [f"s{lot}" for lot in range(2, 10)]


def make(folder: Path) -> bool:
    return make_demo(folder, Collection.DIGITS, MIN_IMAGES)


def test_is_made_committed_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "my demo"
    told: list[str] = []
    assert make_demo(folder, Collection.DIGITS, MIN_IMAGES, tell=told.append)
    assert told == ["Drawing 100 digits", "Writing the pipeline", "Versioning the images"]
    params = load_params(folder / "params.yaml")
    assert params.inference.lots == LOTS
    assert params.data.image_size == 32
    assert not params.train.augmentation.flip
    left = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert left.stdout == ""
    (folder / "params.yaml").write_text("mine: 1\n")
    assert not make(folder)
    assert (folder / "params.yaml").read_text() == "mine: 1\n"


@pytest.mark.parametrize("step", ["write_collection", "new_project", "edit_params", "sync_lots"])
def test_an_interrupted_one_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(demo, step)

    def interrupted(*words: object, **options: object) -> None:
        real(*words, **options) if step != "sync_lots" else None
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "demo")
    monkeypatch.undo()
    assert make(tmp_path / "demo")
    assert load_params(tmp_path / "demo/params.yaml").inference.lots == LOTS
    assert not (tmp_path / "demo/.drawing").exists()


@pytest.mark.parametrize("name", ["data/annotations/mapped_train.csv", "notes.txt"])
def test_what_is_there_already_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="not empty, and not a demo"):
        make(tmp_path)
    with pytest.raises(InputError, match="not empty, and not a demo"):
        make(tmp_path / name)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_no_images_are_too_few(amelio: Run, tmp_path: Path) -> None:
    done = amelio("demo", "--images", "0", "--data", "digits", cwd=tmp_path)
    assert done.returncode == 2
    assert "0 images are too few" in done.stderr


@pytest.mark.parametrize("kind", Collection)
def test_the_fewest_images_are_enough_to_split(tmp_path: Path, kind: Collection) -> None:
    made = write_collection(kind, tmp_path, MIN_IMAGES, demo.SEED, workers=1)
    annotations = read_annotations(made.annotations, made.images)
    params = Params()
    data, _ = prepare(annotations, made.images, params.data, params.evaluate, tmp_path / "cache")
    assert set(data.sides.tolist()) == {0, 1, 2}


def test_a_lot_that_was_added_later_has_no_truth(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    make(folder)
    (folder / "dvc.lock").touch()
    (folder / "metrics").mkdir(exist_ok=True)
    figures = {
        "overall": {"average_accuracy": 0.75},
        "attributes": {"even": {"accuracy": 0.5}, "has_loop": {"accuracy": 1.0}},
    }
    (folder / "metrics/eval_metrics.json").write_text(json.dumps(figures))
    with (folder / "truth/lots.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [{**row, "lot": row["filename"].partition("_")[0]} for row in rows]
    rows[0]["digit"] = "none of them"
    rows.append({**rows[0], "filename": "s10_00000.png", "lot": "s10"})
    with (folder / "outputs/predictions.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    result = finish_demo(folder)
    n = sum(row["lot"] == "s2" for row in rows)
    assert result.lot_accuracy == dict.fromkeys(LOTS, 1.0) | {"s2": 1 - 1 / (3 * n)}
    assert (result.average_accuracy, result.test_accuracy["even"]) == (0.75, 0.5)


def test_without_a_terminal_drawing_is_not_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("amelio.cli.demo.SECONDS_BETWEEN_LINES", 0)
    with _drawing() as (progress, tell):
        tell("Drawing 50 faces")
        progress(25, 50)
    assert capsys.readouterr() == ("", "Drawing 50 faces\n25 of 50 images\n")


def test_next_steps_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/opt/my tools/.venv")
    lines = _places(Path("my demo"))
    assert "  source '/opt/my tools/.venv/bin/activate' && cd 'my demo'" in lines
    assert len(lines) - lines.index("Next:") - 1 == 4


@pytest.mark.slow
def test_the_default_demo_learns_the_faces_and_predicts_every_lot(
    amelio: Run, tmp_path: Path
) -> None:
    done = amelio("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    project = tmp_path / "demo"
    assert "up to date" in amelio("status", cwd=project).stdout
    told = done.stdout.splitlines()
    (average,) = [line.split()[-2] for line in told if "test set │ average" in line]
    assert float(average) >= 0.98
    lots = {line.split()[2]: float(line.split()[-2]) for line in told if line.startswith("│ lot ")}
    assert list(lots) == LOTS
    assert min(accuracy for lot, accuracy in lots.items() if lot != "s7") >= 0.98
    assert "so that it drifts" in next(line for line in told if "lot s7" in line)
    with (project / "outputs/predictions.csv").open(newline="") as file:
        assert {row["lot"] for row in csv.DictReader(file)} == set(LOTS)
    nothing_to_do(amelio("demo", cwd=tmp_path))


def nothing_to_do(again: subprocess.CompletedProcess[str]) -> None:
    assert again.returncode == 0, again.stderr
    assert "there already" in again.stdout
    assert "starts:" not in again.stdout


@pytest.mark.slow
def test_the_whole_command(amelio: Run, tmp_path: Path) -> None:
    words = ("demo", "my demo", "--data", "digits", "--images", "400")
    done = amelio(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("test set", "lot s9", "outputs/predictions.csv", "cd 'my demo'"):
        assert text in done.stdout
    project = tmp_path / "my demo"
    assert "up to date" in amelio("status", cwd=project).stdout
    nothing_to_do(amelio(*words, cwd=tmp_path))
