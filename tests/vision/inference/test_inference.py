"""Batch inference: the same whatever the batches, and nothing in a lot stops it."""

import csv
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Generator
from pathlib import Path

import pandas as pd
import pytest
import torch

from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.checkpoint import Model, load_model, new_net, save_model
from amelio.vision.data.schema import Attribute, Preprocessing
from amelio.vision.inference.inference import find_images, predict_files
from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.inference.predictions_csv import collect_predictions, harmless
from amelio.vision.params import InferenceParams
from tests.vision.pictures import png_header, write_picture

ATTRIBUTES = (Attribute("beard", (0, 1)), Attribute("colour", ("red", "=2+3", "blue")))
COLUMNS = ["filename", "lot", "beard", "beard_probability", "colour", "colour_probability"]

PEAK_BYTES = """
import resource, sys
from pathlib import Path
from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.params import InferenceParams
model, lot, output = map(Path, sys.argv[1:])
predict_lot(model, lot, output, InferenceParams(), n_workers=2)
status = Path("/proc/self/status").read_text()  # ru_maxrss is that of whoever started us
own = int(status.partition("VmHWM:")[2].split()[0])
print(1024 * max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def save_untrained(path: Path, preprocessing: Preprocessing) -> Path:
    """A network whose probabilities differ from picture to picture."""
    torch.manual_seed(3)
    save_model(Model(new_net(ATTRIBUTES, preprocessing), ATTRIBUTES, preprocessing), path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_untrained(tmp_path / "best_model.pth", Preprocessing(16, trim_border=True))


@pytest.fixture
def lot(tmp_path: Path) -> Path:
    """80 pictures: a batch of 64, and a rest."""
    for index in range(80):
        write_picture(tmp_path / f"raw/s2/s2_{index:05}.png", seed=index)
    return tmp_path / "raw/s2"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_columns_and_their_meaning(tmp_path: Path, model: Path, lot: Path) -> None:
    output = tmp_path / "outputs/lots/s2.csv"
    report = predict_lot(model, lot, output, InferenceParams(confidence_threshold=0.6))
    table = pd.read_csv(output)
    assert list(table.columns) == [*COLUMNS, "uncertain"]
    assert table.filename.tolist() == [f"s2_{index:05}.png" for index in range(80)]
    assert set(table.lot) == {"s2"}
    assert set(table.beard) <= {0, 1}
    assert table.beard_probability.between(0.5, 1).all()
    assert table.colour_probability.between(1 / 3 - 1e-6, 1).all()
    lowest = table[["beard_probability", "colour_probability"]].min(axis=1)
    assert table.uncertain.tolist() == (lowest < 0.6).tolist()
    assert report.n_images == 80
    assert report.n_uncertain == table.uncertain.sum()
    assert sum(report.counts["colour"].values()) == 80
    assert f"lot s2: 80 images → {output}" in report.describe()


def test_the_batch_size_changes_nothing(tmp_path: Path, model: Path, lot: Path) -> None:
    written = []
    for batch_size, n_workers in ((1, 2), (7, 3), (64, 2), (64, 1), (1000, 1)):
        output = tmp_path / f"{batch_size}_{n_workers}.csv"
        predict_lot(model, lot, output, InferenceParams(batch_size=batch_size), n_workers)
        written.append(output.read_bytes())
    assert len(set(written)) == 1
    probabilities = [row["beard_probability"] for row in rows(output)]
    assert len(set(probabilities)) > 50


def test_the_threshold(tmp_path: Path, model: Path, lot: Path) -> None:
    for threshold, expected in ((0.0, {"false"}), (1.0, {"true"})):
        output = tmp_path / "s2.csv"
        predict_lot(model, lot, output, InferenceParams(confidence_threshold=threshold))
        assert {row["uncertain"] for row in rows(output)} == expected


def test_unreadable_images_do_not_stop_a_lot(tmp_path: Path, model: Path, lot: Path) -> None:
    whole, output = tmp_path / "whole.csv", tmp_path / "s2.csv"
    predict_lot(model, lot, whole, InferenceParams())
    (lot / "s2_00003.png").write_bytes(b"")
    (lot / "s2_00070.png").write_bytes(png_header(20000, 20000))
    (lot / "notes.txt").write_text("hello")
    (lot / ".gitignore").write_text("x")
    (lot / "out.png").symlink_to("/etc/passwd")
    report = predict_lot(model, lot, output, InferenceParams())
    found = rows(output)
    expected = rows(whole)
    for index in (3, 70):
        empty = dict.fromkeys(COLUMNS[2:], "")
        expected[index] |= {**empty, "uncertain": "true"}
    assert found == expected
    text = report.describe()
    assert "2 unreadable, without a prediction:" in text
    assert "s2_00003.png: the file is empty (0 bytes)" in text
    assert "s2_00070.png: more than 50 megapixels" in text
    assert "1 links that leave the lot, passed over:\n    out.png" in text
    assert "1 not images by their name, passed over:\n    notes.txt" in text


def test_a_lot_of_unreadable_images_only(tmp_path: Path, model: Path) -> None:
    lot = tmp_path / "s3"
    lot.mkdir()
    (lot / "x.png").write_bytes(b"")
    predict_lot(model, lot, tmp_path / "s3.csv", InferenceParams())
    assert rows(tmp_path / "s3.csv")[0]["uncertain"] == "true"


def test_an_empty_lot(tmp_path: Path, model: Path) -> None:
    output = tmp_path / "s3.csv"
    output.write_text("before")
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3/.gitkeep").touch()
    with pytest.raises(InputError, match=r"s3: empty lot: .*\n.*inference\.lots"):
        predict_lot(model, tmp_path / "s3", output, InferenceParams())
    with pytest.raises(InputError, match="s4: no such folder of images"):
        predict_lot(model, tmp_path / "s4", output, InferenceParams())
    assert output.read_text() == "before"


def test_names_with_spaces_accents_and_formulas(tmp_path: Path, model: Path) -> None:
    lot = tmp_path / "été 2"
    names = ["=1+1.png", "+x.png", "-x.png", "@x.png", "sub/été à Łódź.png", 'a,"b".png', "\tx.png"]
    for seed, name in enumerate(names):
        write_picture(lot / name, seed)
    output = tmp_path / "x.csv"
    predict_lot(model, lot, output, InferenceParams())
    found = rows(output)
    assert [row["filename"] for row in found] == sorted(
        [
            "'=1+1.png",
            "'+x.png",
            "'-x.png",
            "'@x.png",
            "sub/été à Łódź.png",
            'a,"b".png',
            "'\tx.png",
        ],
        key=lambda name: name.removeprefix("'"),
    )
    assert {row["lot"] for row in found} == {"été 2"}
    assert {row["colour"] for row in found} <= {"red", "'=2+3", "blue"}


@pytest.mark.parametrize("first", "=+-@\t\r\0")
def test_formulas_become_text(first: str) -> None:
    assert harmless(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"
    assert harmless(f"x{first}") == f"x{first}"


def test_collecting_lots(tmp_path: Path, model: Path) -> None:
    paths = []
    for number in (10, 2):
        name = f"s{number}"
        write_picture(tmp_path / name / f"-{name}, été.png", number)
        paths.append(tmp_path / f"outputs/lots/{name}.csv")
        predict_lot(model, tmp_path / name, paths[-1], InferenceParams())
    output = tmp_path / "outputs/predictions.csv"
    assert collect_predictions(paths, output) == 2
    first, second = (path.read_text() for path in paths)
    assert output.read_text() == first + second.split("\n", 1)[1]
    assert collect_predictions([], output) == 0
    assert output.read_text() == "filename,lot,uncertain\n"


def test_collecting_what_does_not_fit(tmp_path: Path) -> None:
    for name, header in (("s1", "filename,lot,a"), ("s2", "filename,lot,b")):
        (tmp_path / f"{name}.csv").write_text(f"{header}\nx,{name},1\n")
    output = tmp_path / "predictions.csv"
    output.write_text("before")
    with pytest.raises(InputError, match=r"s2\.csv: columns filename, lot, b, but .*s1\.csv has"):
        collect_predictions([tmp_path / "s1.csv", tmp_path / "s2.csv"], output)
    with pytest.raises(InputError, match=r"s3\.csv: no such file\n  predict its lot first"):
        collect_predictions([tmp_path / "s1.csv", tmp_path / "s3.csv"], output)
    assert output.read_text() == "before"


def test_a_full_disk_loses_nothing(tmp_path: Path, model: Path, lot: Path) -> None:
    output = tmp_path / "outputs/s2.csv"
    output.parent.mkdir()
    output.write_text("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(EnvironmentFailedError, match=r"s2\.csv: File too large"):
            predict_lot(model, lot, output, InferenceParams())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert output.read_text() == "before"
    assert [path.name for path in output.parent.iterdir()] == ["s2.csv"]


def test_memory_does_not_grow_with_the_number_of_images(lot: Path, model: Path) -> None:
    loaded = load_model(model)
    peaks = []
    for n_copies in (1, 9):
        files = sorted(lot.iterdir()) * n_copies
        tracemalloc.start()
        n_found = sum(1 for _ in predict_files(loaded, files, batch_size=16, n_workers=2))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert n_found == len(files)
    assert peaks[1] < peaks[0] + 100_000  # bytes; 640 more pictures are 490,000


@pytest.mark.slow
def test_no_process_grows_with_the_lot(tmp_path: Path) -> None:
    """4,000 pictures more are 49 MB when they are prepared."""
    model = save_untrained(tmp_path / "best_model.pth", Preprocessing(64, trim_border=True))
    picture = write_picture(tmp_path / "picture.png", size=64)
    peaks = []
    for n_images in (200, 4_200):
        lot = tmp_path / f"lot{n_images}"
        lot.mkdir()
        for index in range(n_images):
            (lot / f"{index:05}.png").hardlink_to(picture)
        words = [str(model), str(lot), str(tmp_path / "out.csv")]
        done = subprocess.run(
            [sys.executable, "-c", PEAK_BYTES, *words], check=True, capture_output=True, text=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 25e6


def test_torch_keeps_its_threads(lot: Path, model: Path) -> None:
    before = torch.get_num_threads()
    stream = predict_files(load_model(model), sorted(lot.iterdir()), batch_size=16)
    next(stream)
    assert isinstance(stream, Generator)
    stream.close()
    assert torch.get_num_threads() == before


def test_finding_images(tmp_path: Path, lot: Path) -> None:
    odd = tmp_path / "scan.tiff"
    odd.touch()
    found = find_images([odd, lot, lot / "s2_00001.png"])
    assert found == [odd, *sorted(lot.iterdir()), lot / "s2_00001.png"]
    with pytest.raises(InputError, match="nothing: no such file or folder"):
        find_images([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no images in this folder"):
        find_images([tmp_path / "empty"])
