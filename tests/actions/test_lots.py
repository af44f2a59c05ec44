"""`amelio lots sync`: new lots are found, versioned and added; wrong ones are refused."""

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from amelio.actions.lot_order import in_order
from amelio.actions.lots import find_lots
from amelio.errors import InputError
from tests.actions.test_new import ROWS, draw, lots_of
from tests.conftest import Run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def project(tmp_path: Path, amelio: Run) -> Path:
    draw(tmp_path / "mine/s1", "s1_0.png", "s1_1.png")
    draw(tmp_path / "mine/s2", "s2_0.png")
    (tmp_path / "labels.csv").write_text(ROWS)
    words = ("--images", "mine", "--annotations", "labels.csv")
    assert amelio("new", "p", *words, cwd=tmp_path).returncode == 0
    return tmp_path / "p"


def test_adds_a_new_lot_keeping_the_comments(amelio: Run, project: Path) -> None:
    before = (project / "params.yaml").read_text()
    draw(project / "data/raw/s10", "s10_0.png")
    done = amelio("lots", "sync", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "New: s10" in done.stdout
    assert lots_of(project) == ["s2", "s10"]
    after = (project / "params.yaml").read_text()
    assert after == before.replace("lots: [s2]", "lots: [s2, s10]")
    status = subprocess.run(
        ["git", "status", "--short", "--ignored", "data"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "!! data/raw/" in status
    assert "nfiles: 4" in (project / "data/raw.dvc").read_text()


def test_a_lot_with_one_label_is_predicted(amelio: Run, project: Path) -> None:
    labels = project / "data/annotations/mapped_train.csv"
    draw(project / "data/raw/s10", "s10_0.png", "s10_1.png")
    labels.write_text(labels.read_text() + "s10/s10_0.png,1\n")
    done = amelio("lots", "sync", cwd=project)
    assert "Labelled lots: s1, s10\nLots to predict: s2, s10\nNew: s10\n" in done.stdout
    draw(project / "data/raw/s11", "s11_0.png")
    labels.write_text(labels.read_text() + "s11/s11_0.png,1\n")
    assert "New: none" in amelio("lots", "sync", cwd=project).stdout
    assert lots_of(project) == ["s2", "s10"]


def test_from_a_folder_below_it_takes_in_the_same(amelio: Run, project: Path) -> None:
    draw(project / "data/raw/s10", "s10_0.png")
    done = amelio("lots", "sync", cwd=project / "data/raw/s10")
    assert done.returncode == 0, done.stderr
    assert "New: s10" in done.stdout
    assert "Next:\n  cd ../../..\n  amelio repro" in done.stdout
    assert lots_of(project) == ["s2", "s10"]
    elsewhere = amelio("lots", "sync", cwd=project.parent)
    assert elsewhere.returncode == 2
    assert "params.yaml: no such file\n  run it at the project's root" in elsewhere.stderr


def added_by(text: str) -> set[str]:
    """What the one `git add` in `text` adds."""
    (line,) = re.findall(r"^ +git add (.*?)(?: &&.*)?$", text, flags=re.MULTILINE)
    return set(line.split())


def kept_by_git(project: Path) -> set[str]:
    """Outputs of the pipeline that are in Git, not in DVC's cache."""
    stages = YAML(typ="safe").load(project / "dvc.yaml")["stages"].values()
    outs = [out for stage in stages for kind in ("outs", "metrics") for out in stage.get(kind, [])]
    return {path for out in outs if isinstance(out, dict) for path in out}


def test_all_that_a_new_lot_changes_is_to_be_committed(amelio: Run, project: Path) -> None:
    told = added_by(amelio("lots", "sync", cwd=project).stdout)
    assert told == added_by((DOCS / "new-lot.md").read_text(encoding="utf-8"))
    assert told >= {"data/raw.dvc", "params.yaml", "dvc.lock"}
    learnt = {"src/training/hyperopt_params.json", "metrics/train_metrics.json"}
    for path in kept_by_git(project) - learnt:
        assert any(Path(path).is_relative_to(added) for added in told), path


def test_all_that_new_labels_change_is_to_be_committed(project: Path) -> None:
    told = added_by((DOCS / "new-labels.md").read_text(encoding="utf-8"))
    assert told >= {"data/annotations/mapped_train.csv", "dvc.lock"}
    for path in kept_by_git(project):
        assert any(Path(path).is_relative_to(added) for added in told), path


def test_nothing_new_changes_nothing(amelio: Run, project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    done = amelio("lots", "sync", cwd=project)
    assert "New: none" in done.stdout
    assert (project / "params.yaml").read_bytes() == before


def test_a_lot_that_is_gone_is_told(amelio: Run, project: Path) -> None:
    (project / "data/raw/s2/s2_0.png").unlink()
    (project / "data/raw/s2").rmdir()
    done = amelio("lots", "sync", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "No folder data/raw/s2" in done.stdout


@pytest.mark.parametrize("name", ["s 3", "s3;touch X", "-s3", "été", "s.3", "$(x)"])
def test_a_lot_name_unfit_for_a_command_is_refused(tmp_path: Path, name: str) -> None:
    draw(tmp_path / name, "a.png")
    with pytest.raises(InputError, match="letters, digits"):
        find_lots(tmp_path)


def test_empty_lots_stray_files_and_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_lots(tmp_path / "nothing")
    with pytest.raises(InputError, match="no lots"):
        find_lots(tmp_path)
    (tmp_path / "s1").mkdir()
    (tmp_path / "stray.png").touch()
    with pytest.raises(InputError, match=r"(?s)s1: no image.*stray.png: not a folder"):
        find_lots(tmp_path)


def test_lots_stand_in_natural_order() -> None:
    assert in_order(["s10", "b", "s9", "s2", "a1"]) == ["a1", "b", "s2", "s9", "s10"]
