"""Faulty data in a real project: the gate is shut before anything is learnt, and says why."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from amelio.actions.demo import CHANGES
from amelio.actions.lots import sync_lots
from amelio.actions.new import new_project
from amelio.actions.params_file import edit_params
from amelio.demos.collection import Collection, write_collection
from amelio.dvcio.project import commit_all, ensure_identity
from amelio.vision.data.record_cache import digest_of
from amelio.vision.data.schema import Side
from amelio.vision.data.split import sides_of
from amelio.vision.params import load_params
from tests.conftest import Run

GATE, PREPARED = "metrics/data_gate.json", "data/processed/train_data_s1.pt"


UNREADABLE = 5  # the row of an image that is no picture from the start


class Project:
    """A demo of digits whose data a test spoils; `mend` undoes it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lot = root / "data/raw/s1"
        self.csv = root / "data/annotations/mapped_train.csv"
        self.rows = self.csv.read_text().splitlines()
        (self.lot / self.rows[UNREADABLE].partition(",")[0]).write_bytes(b"")
        self.good = root.parent / "good"
        shutil.copytree(self.lot, self.good)

    def mend(self) -> None:
        shutil.rmtree(self.lot)
        shutil.copytree(self.good, self.lot)
        self.write()

    def write(self, *more: str) -> None:
        self.csv.write_text("\n".join([*self.rows, *more]) + "\n")

    def side(self, path: Path) -> Side:
        params = load_params(self.root / "params.yaml")
        digest = digest_of(path.read_bytes())
        return Side(int(sides_of([digest], params.data, params.evaluate)[0]))

    @property
    def page(self) -> str:
        return (self.root / "reports/data_quality.md").read_text(encoding="utf-8")

    def state(self) -> tuple[bytes, int]:
        """What must not change while the gate is shut."""
        prepared = self.root / PREPARED
        return (self.root / GATE).read_bytes(), prepared.stat().st_mtime_ns


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """200 digits of which 130 are labelled and one is unreadable; committed, not run."""
    folder = tmp_path / "project"
    write_collection(Collection.DIGITS, folder, 200, seed=0, workers=1)
    new_project(folder)
    small = {"data.image_size": 16, "evaluate.test_size": 0.2}
    edit_params(folder / "params.yaml", CHANGES[Collection.DIGITS] | small)
    ensure_identity(folder)
    project = Project(folder)
    sync_lots(folder)
    commit_all(folder, "Start")
    return project


def dvc(project: Project) -> subprocess.CompletedProcess[str]:
    """Plain DVC, in the environment of these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "prepare_train"],
        cwd=project.root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.timeout(600)  # on a busy machine
def test_data_that_is_spoilt_in_several_ways(amelio: Run, project: Project) -> None:
    an_unreadable_image_is_told_and_let_pass(amelio, project)
    a_leak_stops_it(amelio, project)
    contradicting_and_repeated_labels_stop_plain_dvc(project)
    many_unreadable_images_stop_it(amelio, project)


def an_unreadable_image_is_told_and_let_pass(amelio: Run, project: Project) -> None:
    """And nothing is told of the 199 good ones."""
    name = project.rows[UNREADABLE].partition(",")[0]
    done = amelio("repro", "prepare_train", cwd=project.root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The data is fine." in project.page
    assert f"- s1/{name}: the file is empty (0 bytes)" in project.page
    checks = json.loads((project.root / "metrics/data_quality.json").read_text())["checks"]
    assert [(each, found["n"]) for each, found in checks.items() if found["n"]] == [
        ("unreadable", 1)
    ]
    logs = amelio("logs", "prepare_train", cwd=project.root)
    assert "1 unreadable images left out" in logs.stdout


def a_leak_stops_it(amelio: Run, project: Project) -> None:
    before = project.state()
    row = next(row for row in project.rows[UNREADABLE + 1 :] if is_tested(project, row))
    name, _, labels = row.partition(",")
    copy = project.lot / "copy.jpg"
    for quality in range(60, 100):
        Image.open(project.lot / name).save(copy, quality=quality)
        if project.side(copy) is Side.TRAIN:
            break
    project.write(f"s1/copy.jpg,{labels}")
    done = amelio("repro", "prepare_train", cwd=project.root)
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "the data gate is shut: leaks" in told
    assert "reports/data_quality.md says why" in told
    assert f"- s1/{name}: shows what s1/copy.jpg, to train on, shows (" in project.page
    assert project.state() == before
    project.mend()


def is_tested(project: Project, row: str) -> bool:
    return project.side(project.lot / row.partition(",")[0]) is Side.TEST


def contradicting_and_repeated_labels_stop_plain_dvc(project: Project) -> None:
    _, prepared = before = project.state()
    name, digit, *others = project.rows[1].split(",")
    other = ",".join([name, str((int(digit) + 1) % 10), *others])
    project.write(project.rows[2], other)
    done = dvc(project)
    assert done.returncode != 0
    assert "the data gate is shut: contradictions" in done.stdout + done.stderr
    last = len(project.rows) + 2
    assert f"- line {last}: s1/{name}: digit is " in project.page
    assert "| ⚠️ | Rows about an image that an earlier row is about" in project.page
    assert f"- line {last - 1}: s1/{project.rows[2].partition(',')[0]} stands in line 3" in (
        project.page
    )
    assert not (project.root / GATE).exists()  # DVC removes outputs before it runs a stage
    assert (project.root / PREPARED).stat().st_mtime_ns == prepared
    project.mend()
    assert dvc(project).returncode == 0
    assert project.state() == before


def many_unreadable_images_stop_it(amelio: Run, project: Project) -> None:
    before = project.state()
    for row in project.rows[1 : UNREADABLE + 1]:
        (project.lot / row.partition(",")[0]).write_bytes(b"<html>")
    done = amelio("repro", "prepare_train", cwd=project.root)
    assert done.returncode == 1
    assert "the data gate is shut: unreadable" in done.stdout + done.stderr
    assert "5 of 200 images (2.5 %)" in project.page
    assert project.state() == before
