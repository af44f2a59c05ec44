"""Figures, tables, pictures and page of drift."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from amelio.vision.monitoring.drift_pictures import drift_sheet
from amelio.vision.monitoring.drift_report import in_words, write_drift
from amelio.vision.monitoring.findings import LotDrift
from amelio.vision.params import DriftParams
from tests.vision.monitoring.conftest import Bench


def write(folder: Path, drifts: list[LotDrift]) -> None:
    write_drift(
        drifts,
        DriftParams(),
        b"",
        metrics=folder / "drift.json",
        plots=folder / "plots",
        report=folder / "drift.md",
    )


@pytest.fixture
def drifts(bench: Bench) -> list[LotDrift]:
    """Lots s2, like the training images; s3, darker; s1, annotated."""
    lots = [bench.write_lot("s2", 1), bench.write_lot("s3", 2, darker=60), bench.write_lot("s1", 3)]
    return bench.drift(*lots)


def test_figures_tables_and_page(drifts: list[LotDrift], tmp_path: Path) -> None:
    write(tmp_path, drifts)
    figures = json.loads((tmp_path / "drift.json").read_text())
    assert figures["overall"] == {"n_lots": 3, "n_drifted": 1}
    assert [lot["drifts"] for lot in figures["lots"].values()] == [False, True, False]
    assert figures["lots"]["s3"]["images"] > 1 > figures["lots"]["s2"]["images"]
    assert figures["lots"]["s1"]["n_images"] == 0
    with (tmp_path / "plots/lots/s3.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(drifts[1].findings)
    assert [row["shifts"] for row in rows[:4]] == ["yes"] * 4
    page = (tmp_path / "drift.md").read_text()
    assert "**1 of 3 lots drifts: s3.**" in page
    assert "## s3: " in page
    assert "## s2" not in page
    assert "nothing to look at: all its images are annotated" in page
    assert "KS distance of 0.2" in page


def test_the_same_drift_gives_the_same_bytes(drifts: list[LotDrift], tmp_path: Path) -> None:
    for name in ("one", "other"):
        write(tmp_path / name, drifts)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 7
    for path in files:
        other = tmp_path / "other" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_lots_that_are_no_more_go(drifts: list[LotDrift], tmp_path: Path) -> None:
    write(tmp_path, drifts)
    write(tmp_path, drifts[:1])
    assert [path.name for path in (tmp_path / "plots/lots").iterdir()] == ["s2.csv"]


def test_in_words(drifts: list[LotDrift], tmp_path: Path) -> None:
    told = in_words(drifts)
    assert told[0] == "1 of 3 lots drifts: s3."
    assert "brightness 138 → 80" in told[1]
    assert in_words(drifts[:1]) == ["Lot s2 does not drift."]
    assert in_words([drifts[0], drifts[2]]) == ["None of 2 lots drifts."]
    assert in_words([]) == ["There is no lot to compare with the training images."]
    write(tmp_path, [])
    assert "no lot to compare" in (tmp_path / "drift.md").read_text()


def test_the_sheet_has_a_row_a_lot(bench: Bench, drifts: list[LotDrift]) -> None:
    heights = []
    for shown in ([], drifts[:1], drifts):
        sheet = drift_sheet(shown, bench.data, bench.raw)
        assert sheet == drift_sheet(shown, bench.data, bench.raw)
        with Image.open(io.BytesIO(sheet)) as picture:
            picture.load()
            heights.append(picture.height)
    assert heights[2] - heights[0] == 3 * (heights[1] - heights[0])
