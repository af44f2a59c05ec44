"""The checks on real small images: each finds what was planted, with its row, and nothing else."""

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from amelio.errors import InputError
from amelio.vision.data.record_cache import digest_of
from amelio.vision.data.schema import Side
from amelio.vision.data.split import sides_of
from amelio.vision.params import DataParams, EvaluateParams, Params
from amelio.vision.validation.findings import Check, Finding
from amelio.vision.validation.page import write_page
from amelio.vision.validation.quality_files import write_quality
from amelio.vision.validation.validate import DataQuality, validate
from amelio.vision.validation_params import ValidationParams
from tests.vision.pictures import encoded, gradient

DATA = DataParams(train_split=0.7, val_split=0.3)
EVALUATE = EvaluateParams(test_size=0.3)
N = 60


def textured(seed: int) -> Image.Image:
    """A picture with edges, of 48×48 pixels."""
    noise = np.random.default_rng(seed).integers(0, 60, (48, 48, 1), dtype=np.uint8)
    return Image.fromarray(np.asarray(gradient(48, 48, seed)) // 2 + 30 + noise)


@dataclass
class Project:
    """Clean data: a labelled lot of attribute `shade` and `side`, and a lot without labels."""

    root: Path

    def __post_init__(self) -> None:
        self.images, self.csv = self.root / "raw", self.root / "labels.csv"
        self.data, self.header = DATA, "filename,shade,side"
        self.rows = [f"s1/{n:02}.png,{'dark' if n % 2 else 'light'},{n // 2 % 3}" for n in range(N)]
        for n in range(N):
            self.write(f"s1/{n:02}.png", encoded(textured(n)))
        for n in range(10):
            self.write(f"s2/{n:02}.png", encoded(textured(1000 + n)))

    def write(self, file: str, content: bytes) -> Path:
        path = self.images / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def check(self, **validation: dict[str, Any]) -> DataQuality:
        self.csv.write_text("\n".join([self.header, *self.rows]) + "\n")
        params = Params(
            data=self.data,
            evaluate=EVALUATE,
            validation=ValidationParams.model_validate(validation),
        )
        return validate(self.csv, self.images, params, self.root / "cache")

    def found(self, **validation: dict[str, Any]) -> dict[Check, list[Finding]]:
        """What was found, by check; checks that found nothing are left out."""
        quality = self.check(**validation)
        return {each.check: list(each.findings) for each in quality.found if each.n}

    def side(self, content: bytes) -> Side:
        return Side(int(sides_of([digest_of(content)], DATA, EVALUATE)[0]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_clean_data(project: Project) -> None:
    quality = project.check()
    assert [each.check for each in quality.found] == list(Check)
    assert {each.check: each.n for each in quality.found if each.n} == {}
    assert quality.describe() == "70 images, 70 of them looked at now"
    assert (quality.n_images, quality.n_lots, sum(quality.sides.values())) == (70, 2, N)


def test_every_faulty_row_with_its_line(project: Project) -> None:
    project.rows += [
        "s1/00.png,light",  # line 62
        "s9/nope.png,light,0",
        "s1/01.png,elf,x",
        "s1/02.png,dark,1",
        "s1/03.png,dark,1",
    ]
    found = project.found()
    assert [(finding.line, finding.text) for finding in found[Check.RAGGED_ROWS]] == [
        (62, "2 cells, but the header has 3")
    ]
    assert found[Check.UNKNOWN_FILES][0].line == 63
    assert [finding.line for finding in found[Check.WRONG_LABELS]] == [64]
    assert (
        found[Check.CONTRADICTIONS][1].text == "s1/02.png: shade is 'dark', but 'light' in line 4"
    )
    assert [(finding.line, finding.text) for finding in found[Check.REPEATED_ROWS]] == [
        (66, "s1/03.png stands in line 5 already")
    ]
    (rare,) = [each for each in found[Check.RARE_CLASSES] if "elf" in each.text]
    assert rare.text == "shade: class 'elf' has 0 images, fewer than 5 (line 64)"
    assert rare.files == ("s1/01.png",)


def test_rows_about_an_image_show_it(project: Project) -> None:
    project.rows += ["s1/01.png,elf,x", "s1/02.png,dark,1", "s9/nope.png,light,0"]
    found = project.found()
    assert [each.files for each in found[Check.WRONG_LABELS]] == [("s1/01.png",)]
    assert ("s1/02.png",) in [each.files for each in found[Check.CONTRADICTIONS]]
    assert [each.files for each in found[Check.UNKNOWN_FILES]] == [()]


def test_a_wrong_cell_is_counted_once_a_row(project: Project) -> None:
    project.rows[0] = "s1/00.png,light,nan"
    project.rows[1] = "s1/01.png,1.5,nan"
    by_check = {each.check: each for each in project.check().found}
    wrong = by_check[Check.WRONG_LABELS]
    assert (wrong.n, len(wrong.findings)) == (2, 3)


def test_labels_as_a_whole(project: Project) -> None:
    project.header += ",copy,often,rare"
    project.rows = [
        f"{row},{'ab'[n % 2]},{n % 2 if n < 20 else ''},{int(n in (5, 7))}"
        for n, row in enumerate(project.rows)
    ]
    found = project.found()
    assert [finding.text for finding in found[Check.UNKNOWN_LABELS]] == ["often: 67 % unknown"]
    assert [finding.text for finding in found[Check.RARE_CLASSES]] == [
        "rare: class 1 has 2 images, fewer than 5 (lines 7, 9)"
    ]
    texts = [finding.text for finding in found[Check.SAME_ATTRIBUTES]]
    assert texts[0] == "shade and copy tell each other (100 %)"
    assert not [text for text in texts if "side" in text or "rare" in text]


def misspell(project: Project, *rows: int, as_: str = "LIHGT") -> None:
    for row in rows:
        file, _, side = project.rows[row].split(",")
        project.rows[row] = f"{file},{as_},{side}"


def test_a_misspelt_class_names_its_lines_and_the_class_meant(project: Project) -> None:
    misspell(project, 0, 4)
    (finding,) = project.found()[Check.MISSPELT_CLASSES]
    assert finding.text == (
        "shade: class 'LIHGT' (lines 2, 6): did you mean 'light', which has 28 rows?"
    )
    assert finding.files == ("s1/00.png", "s1/04.png")
    by_check = {each.check: each for each in project.check().found}
    assert by_check[Check.MISSPELT_CLASSES].in_words() == "1 of 6 classes (17 %)"


def test_what_is_no_misspelt_class(project: Project) -> None:
    misspell(project, 0, 2, 4)  # 27 rows are not ten times as many
    assert Check.MISSPELT_CLASSES not in project.found()
    assert Check.MISSPELT_CLASSES in project.found(misspelt_classes={"times_rarer": 9})
    assert Check.MISSPELT_CLASSES not in project.found(
        misspelt_classes={"times_rarer": 9, "similarity": 0.81}
    )
    misspell(project, 0, 2, 4, as_="light")
    misspell(project, 0, as_="grey")
    project.header += ",number"
    project.rows = [f"{row},{100 if n else 1000}" for n, row in enumerate(project.rows)]
    assert Check.MISSPELT_CLASSES not in project.found()


def test_declared_classes_are_not_misspelt(project: Project) -> None:
    misspell(project, 0)
    declared = {"shade": ["dark", "light", "LIHGT"]}
    project.data = DATA.model_copy(update={"attributes": declared})
    assert project.found().keys() == {Check.RARE_CLASSES}


def test_many_lines_are_cut(project: Project) -> None:
    misspell(project, *range(0, 14, 2))
    (finding,) = project.found(misspelt_classes={"times_rarer": 3})[Check.MISSPELT_CLASSES]
    assert "(lines 2, 4, 6, 8, 10 and 2 more)" in finding.text


def test_odd_pictures(project: Project) -> None:
    rng = np.random.default_rng(1)
    planted = {
        Check.UNREADABLE: b"",
        Check.SIZE: encoded(textured(2000).resize((12, 40))),
        Check.MODE: encoded(textured(2001).convert("L")),
        Check.UNIFORM: encoded(Image.new("RGB", (48, 48), (90, 30, 120))),
        Check.DARK: encoded(ImageEnhance.Brightness(textured(2002)).enhance(0.2)),
        Check.BRIGHT: encoded(Image.fromarray(rng.integers(225, 256, (48, 48, 3), dtype=np.uint8))),
        Check.BLURRED: encoded(textured(2003).filter(ImageFilter.GaussianBlur(4))),
    }
    for check, content in planted.items():
        project.write(f"s2/{check}.png", content)
    assert {
        check: [finding.files[-1] for finding in found] for check, found in project.found().items()
    } == {check: [f"s2/{check}.png"] for check in planted}


def test_equal_files_and_their_labels(project: Project) -> None:
    first, second = (project.images / f"s1/{n:02}.png" for n in (4, 5))
    shutil.copy(first, project.images / "s2/again.png")
    shutil.copy(second, project.images / "s1/other.png")
    project.rows.append("s1/other.png,light,2")
    found = project.found()
    assert [finding.text for finding in found[Check.COPIES]] == [
        "s1/other.png: the same file as s1/05.png",
        "s2/again.png: the same file as s1/04.png",
    ]
    (contradiction,) = found[Check.CONTRADICTING_COPIES]
    assert contradiction.line == 62
    assert "shade is 'light', not 'dark' as in line 7" in contradiction.text
    assert Check.NEAR_COPIES not in found


def test_a_leak_is_a_near_copy_across_the_test_sets_border(project: Project) -> None:
    contents = {n: (project.images / f"s1/{n:02}.png").read_bytes() for n in range(N)}
    tested = next(n for n in contents if project.side(contents[n]) is Side.TEST)
    for side in (Side.TRAIN, Side.VALIDATION, Side.TEST):
        copy = next(
            content
            for quality in range(95, 50, -1)
            if project.side(content := encoded(textured(tested), "JPEG", quality=quality)) is side
        )
        project.write(f"s1/{side.name}.jpg", copy)
        project.rows.append(f"s1/{side.name}.jpg,light,0")
    project.write("s2/far.webp", encoded(textured(3), "WEBP", quality=90))
    found = project.found()
    assert {finding.files[-1] for finding in found[Check.LEAKS]} == {
        f"s1/{tested:02}.png",
        "s1/TEST.jpg",
    }
    assert "to train on, shows" in found[Check.LEAKS][0].text
    near = {finding.files for finding in found[Check.NEAR_COPIES]}
    assert ("s1/03.png", "s2/far.webp") in near


def test_thresholds_and_off(project: Project) -> None:
    assert Check.SIZE not in project.found()
    assert len(project.found(size={"min_side": 49})[Check.SIZE]) == 70
    quality = project.check(size={"min_side": 49, "severity": "off"})
    assert Check.SIZE not in [each.check for each in quality.found]


def test_a_new_lot_costs_only_itself(project: Project) -> None:
    assert project.check().n_looked_at == 70
    assert project.check().n_looked_at == 0
    for n in range(4):
        project.write(f"s3/{n}.png", encoded(textured(5000 + n)))
    (project.images / "s1/00.png").rename(project.images / "s1/renamed.png")
    project.rows[0] = "s1/renamed.png,light,0"
    quality = project.check()
    assert (quality.n_looked_at, quality.n_images) == (4, 74)


def test_nothing_to_check_is_an_error(project: Project) -> None:
    project.header = "picture,shade,side"
    with pytest.raises(InputError, match="no column 'filename'"):
        project.check()
    project.csv.unlink()
    with pytest.raises(InputError, match="no such file"):
        validate(project.csv, project.images, Params(), project.root / "cache")


def test_only_faulty_rows_and_pictures(project: Project) -> None:
    for path in project.images.rglob("*.png"):
        path.write_bytes(b"no")
    project.rows = ["s1/x.png,light,0", "s1/00.png"]
    found = project.found()
    assert len(found[Check.UNREADABLE]) == 70
    assert found.keys() >= {Check.RAGGED_ROWS, Check.UNKNOWN_FILES, Check.RARE_CLASSES}


def written(project: Project) -> tuple[str, str, str]:
    metrics, findings, page = (project.root / name for name in ("q.json", "f.csv", "q.html"))
    quality = project.check()
    write_quality(quality, metrics, findings)
    write_page(quality, ValidationParams(), page)
    return metrics.read_text(), findings.read_text(), page.read_text()


def test_the_figures_and_the_table(project: Project) -> None:
    project.write("s2/=evil.png", b"")
    metrics, findings, _ = written(project)
    figures = json.loads(metrics)
    assert figures["checks"]["unreadable"] == {"n": 1, "of": 71, "share": 0.014085}
    assert figures["labelled"]["n"] == N
    assert figures["unknown_labels"] == {"shade": 0.0, "side": 0.0}
    (row,) = csv.DictReader(findings.splitlines())
    assert (row["check"], row["line"], row["file"]) == ("unreadable", "", "s2/=evil.png")
    assert written(project) == written(project)


def test_the_page_is_one_file_and_escapes_everything(project: Project) -> None:
    name = "s1/<img src=x onerror=alert(1)>.png"
    project.write(name, (project.images / "s1/00.png").read_bytes())
    project.header = 'filename,"<b>shade</b>",side'
    project.rows.append(f"{name},<script>,0")
    _, _, page = written(project)
    assert "<script" not in page
    assert "<b>shade" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    sources = set(re.findall(r'(?:src|href)="([^"#]{1,16})', page))
    assert sources == {"data:image/png;b"}
    assert "Content-Security-Policy" in page
