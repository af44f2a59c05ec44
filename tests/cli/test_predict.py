"""`amelio predict`: a table for people, JSON for programs."""

import json
from pathlib import Path

import pytest
import torch

from amelio.cli import run
from amelio.vision.checkpoint import Model, new_net, save_model
from amelio.vision.data.schema import Attribute, Preprocessing
from tests.vision.pictures import write_picture

ATTRIBUTES = (Attribute("hair", ("blond", "red")), Attribute("glasses", (0, 1)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, and two pictures of which one is none."""
    torch.manual_seed(0)
    preprocessing = Preprocessing(image_size=16, trim_border=True)
    net = new_net(ATTRIBUTES, preprocessing)
    save_model(Model(net, ATTRIBUTES, preprocessing), tmp_path / "models/best_model.pth")
    write_picture(tmp_path / "new/été.png")
    (tmp_path / "new/x.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_line_of_json_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "new", "new/été.png", "--json"]) == 0
    bad, good, again = map(json.loads, capsys.readouterr().out.splitlines())
    assert good == again
    assert good["file"] == "new/été.png"
    assert good["attributes"].keys() == {"hair", "glasses"}
    assert good["attributes"]["hair"]["class"] in ("blond", "red")
    assert 0.5 <= good["attributes"]["hair"]["probability"] <= 1
    assert bad == {"file": "new/x.png", "unreadable": "the file is empty (0 bytes)"}


@pytest.mark.usefixtures("folder")
def test_nothing_but_unreadable_files_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "new/x.png"]) == 1
    shown = capsys.readouterr()
    assert "unreadable: the file is empty" in shown.out
    assert shown.err == "amelio: none of these files could be read as an image\n"


def test_a_table_of_another_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "models/best_model.pth").rename(folder / "old.pth")
    assert run(["predict", "new", "--model", "old.pth"]) == 0
    shown = capsys.readouterr().out
    assert "été.png" in shown
    assert "glasses" in shown
    assert "unreadable" in shown


def test_below_the_project_its_model_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".dvc").mkdir()
    (folder / "params.yaml").touch()
    monkeypatch.chdir(folder / "new")
    assert run(["predict", "été.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "été.png"


def test_without_a_terminal_no_name_is_cut_or_folded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a very long name of a file " * 8
    write_picture(folder / f"long/{name}.png")
    assert run(["predict", "long"]) == 0
    assert f"long/{name}.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "nothing: no such file or folder"),
        (["models"], "models: no images in this folder"),
        (["new", "--model", "new/x.png"], "new/x.png: not a model of amelio"),
        (["new", "--model", "no.pth"], "no.pth: no such file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_told(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["predict", *words]) == 2
    assert said in capsys.readouterr().err
