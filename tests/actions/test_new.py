"""`amelio new`: what it writes, what it refuses, and whose files it leaves alone."""

import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

from amelio.actions.new import OwnData, new_project
from amelio.actions.params_file import edit_params
from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.params import Params, load_params
from tests.conftest import Run

ROWS = "filename,beard\ns1_0.png,0\ns1_1.png,1\n"


def draw(folder: Path, *names: str) -> None:
    """Small images that are all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shade = sum(map(ord, f"{folder.name}/{name}")) % 256
        Image.new("RGB", (9, 9), (shade, 255 - shade, 7)).save(folder / name)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's two lots, the first labelled."""
    draw(tmp_path / "mine/s1", "s1_0.png", "s1_1.png")
    draw(tmp_path / "mine/s2", "s2_0.png")
    (tmp_path / "labels.csv").write_text(ROWS)
    return tmp_path


def lots_of(project: Path) -> list[str]:
    return load_params(project / "params.yaml").inference.lots


def test_in_no_repository_makes_both_and_says_what_next(amelio: Run, tmp_path: Path) -> None:
    done = amelio("new", "project", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    project = tmp_path / "project"
    assert (project / ".git").is_dir()
    assert (project / ".dvc").is_dir()
    for path in ("dvc.yaml", "params.yaml", "requirements.txt", "README.md", "reports/.gitkeep"):
        assert f"Wrote {path}" in done.stdout
        assert (project / path).is_file()
    assert "git commit" in done.stdout
    assert "amelio repro" in done.stdout
    assert "amelio[vision]" in (project / "requirements.txt").read_text()


def test_its_pipeline_is_one_that_dvc_accepts(amelio: Run, tmp_path: Path) -> None:
    amelio("new", cwd=tmp_path)
    listed = amelio("stage", "list", "--name-only", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    for stage in ("prepare_train", "hyperopt", "train", "evaluate", "inference_batches"):
        assert stage in listed.stdout.split()


def test_template_parameters_are_the_defaults_of_the_library(amelio: Run, tmp_path: Path) -> None:
    """A key that is missing in an old project means what the template says today."""
    amelio("new", cwd=tmp_path)
    written = load_params(tmp_path / "params.yaml")
    expected = Params()
    train = expected.train.model_copy(update={"threads": written.train.threads})
    search = {key: getattr(written.hyperopt, key) for key in ("threads", "search_space")}
    hyperopt = expected.hyperopt.model_copy(update=search)
    assert written == expected.model_copy(update={"train": train, "hyperopt": hyperopt})
    keys = YAML(typ="safe").load(tmp_path / "params.yaml")
    del keys["quality"]  # the gate's own section
    assert {key: set(section) for key, section in keys.items()} == {
        key: set(type(section).model_fields) for key, section in written
    }


def test_every_start_of_the_search_is_trains_own_value(amelio: Run, tmp_path: Path) -> None:
    amelio("new", cwd=tmp_path)
    params = load_params(tmp_path / "params.yaml")
    for key, dimension in params.hyperopt.search_space.items():
        assert dimension.start == getattr(params.train, key)


def test_adopts_lots_and_labels_and_leaves_them_where_they_were(amelio: Run, own: Path) -> None:
    done = amelio("new", "p", "--images", "mine", "--annotations", "labels.csv", cwd=own)
    assert done.returncode == 0, done.stderr
    assert (own / "mine/s2/s2_0.png").is_file()
    assert (own / "p/data/raw/s2/s2_0.png").read_bytes() == (own / "mine/s2/s2_0.png").read_bytes()
    assert (own / "p/data/annotations/mapped_train.csv").read_text() == ROWS
    assert (own / "p/data/raw.dvc").is_file()
    assert lots_of(own / "p") == ["s2"]


def test_a_folder_without_lots_becomes_lot_s1(amelio: Run, own: Path) -> None:
    done = amelio("new", "p", "--images", "mine/s1", "--annotations", "labels.csv", cwd=own)
    assert done.returncode == 0, done.stderr
    assert (own / "p/data/raw/s1/s1_1.png").is_file()
    assert lots_of(own / "p") == []


def test_wrong_labels_are_refused_and_nothing_is_left_behind(amelio: Run, own: Path) -> None:
    (own / "labels.csv").write_text("filename,beard\ns1_0.png,0\nnope.png,1\n")
    done = amelio("new", "p", "--images", "mine", "--annotations", "labels.csv", cwd=own)
    assert done.returncode == 2
    assert "labels.csv" in done.stderr
    assert "nope.png" in done.stderr
    assert [path for path in (own / "p").rglob("*") if not path.is_dir()] == []
    (own / "labels.csv").write_text(ROWS)
    done = amelio("new", "p", "--images", "mine", "--annotations", "labels.csv", cwd=own)
    assert done.returncode == 0, done.stderr


def adopt(own: Path, images: str = "mine", folder: str = "p") -> None:
    new_project(own / folder, own=OwnData(own / images, own / "labels.csv"))


def test_a_project_in_its_own_images_is_refused(own: Path) -> None:
    for folder in ("mine", "mine/s1", "mine/project"):
        with pytest.raises(InputError, match=r"mine: the project would lie in it"):
            adopt(own, folder=folder)
    assert not (own / "mine/project").exists()


def test_what_is_wrong_with_the_images_names_the_users_folder(own: Path) -> None:
    (own / "none/notes").mkdir(parents=True)
    (own / "none/labels.csv").touch()
    with pytest.raises(InputError, match=r"none: notes: no image in it\n.*none/s1/s1_00000\.png"):
        adopt(own, "none")
    (own / "none/notes").rmdir()
    with pytest.raises(InputError, match=r"none: no lots in it"):
        adopt(own, "none")


def test_what_cannot_be_copied_is_told(own: Path) -> None:
    (own / "mine/s2/gone.png").symlink_to("nowhere.png")
    with pytest.raises(
        EnvironmentFailedError, match=r"mine: cannot copy .*\n.*gone\.png: .*No such"
    ):
        adopt(own)
    assert [path for path in (own / "p").rglob("*") if not path.is_dir()] == []


def test_hidden_files_and_folders_are_passed_over(own: Path) -> None:
    draw(own / "mine/s1/.ipynb_checkpoints", "s1_0.png")
    draw(own / "mine/s1", "._s1_0.png")
    adopt(own, "mine/s1")
    assert sorted(path.name for path in (own / "p/data/raw/s1").iterdir()) == [
        "s1_0.png",
        "s1_1.png",
    ]


def test_a_file_in_place_of_the_folder(amelio: Run, own: Path) -> None:
    done = amelio("new", "labels.csv", cwd=own)
    assert (done.returncode, done.stderr) == (2, "amelio: labels.csv: a file, expected a folder\n")


def test_refuses_files_in_the_way_then_overwrites_by_force(amelio: Run, tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "README.md").write_text("mine\n")
    done = amelio("new", cwd=tmp_path)
    assert done.returncode == 2
    assert "dvc.yaml" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "dvc.yaml"]
    assert amelio("new", "--force", cwd=tmp_path).returncode == 0
    assert "prepare_train" in (tmp_path / "dvc.yaml").read_text()


@pytest.mark.parametrize("path", ["data/annotations/mapped_train.csv", "data/raw.dvc"])
def test_own_data_do_not_overwrite_what_is_there(amelio: Run, own: Path, path: str) -> None:
    there = own / "project" / path
    there.parent.mkdir(parents=True)
    there.write_text("precious\n")
    words = ["new", "project", "--images", "mine", "--annotations", "labels.csv"]
    done = amelio(*words, cwd=own)
    assert done.returncode == 2
    assert f"files in the way, nothing was written: {path}" in done.stderr
    assert there.read_text() == "precious\n"
    assert [file for file in (own / "project").rglob("*") if file.is_file()] == [there]


def test_keeps_the_users_readme_and_adds_to_the_ignore_files(amelio: Run, repository: Path) -> None:
    (repository / "README.md").write_text("mine\n")
    (repository / ".gitignore").write_text("*.log\n/plots\n")
    done = amelio("new", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "Kept your README.md" in done.stdout
    assert (repository / "README.md").read_text() == "mine\n"
    lines = (repository / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["*.log", "/plots"]
    assert lines.count("/plots") == 1
    assert "/data/raw" in lines


def test_a_second_time_changes_nothing(amelio: Run, tmp_path: Path) -> None:
    amelio("new", cwd=tmp_path)
    before = (tmp_path / "params.yaml").read_bytes()
    (tmp_path / "params.yaml").unlink()
    done = amelio("new", cwd=tmp_path)
    assert [line for line in done.stdout.splitlines() if "Wrote" in line] == ["Wrote params.yaml"]
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_a_second_time_with_any_number_of_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amelio.actions.new.n_cores", lambda: 5)
    assert "amelio.yaml" in new_project(tmp_path).written
    written = load_params(tmp_path / "params.yaml")
    assert (written.hyperopt.threads, written.train.threads) == (5, 5)
    assert "jobs: 5  # stages" in (tmp_path / "amelio.yaml").read_text()
    assert new_project(tmp_path).written == ()


def test_in_a_folder_of_a_git_repository(amelio: Run, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    done = amelio("new", "sub", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sub/.dvc").is_dir()
    assert not (tmp_path / "sub/.git").exists()
    assert f"part of the Git repository {tmp_path}, in sub\n" in done.stdout


def test_from_a_path_with_spaces_and_accents(amelio: Run, tmp_path: Path) -> None:
    name = "l'été à la mer"
    done = amelio("new", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name / "dvc.yaml").is_file()
    assert f"\n  cd {shlex.quote(name)}\n" in done.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nb:\n    lots: []   # none\n", "a: 1\nb:\n    lots: [s1, '007']   # none\n"),
        (
            "b:\n  lots:\n  - s9   # old\n\n# on c\nc: 'x'\n",
            "b:\n  lots:\n  - s1\n  - '007'   # old\n\n# on c\nc: 'x'\n",
        ),
        ("b: {x: 1e-05, lots: [a,\n  b], y: 'é'}", "b: {x: 1e-05, lots: [s1, '007'], y: 'é'}"),
        ("b:\n  lots: null", "b:\n  lots: [s1, '007']"),
    ],
)
def test_an_edit_leaves_every_other_byte(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(before, encoding="utf-8")
    edit_params(path, {"b.lots": ["s1", "007"]})
    assert path.read_text(encoding="utf-8") == after


def test_an_edit_of_a_missing_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("b: {}\n")
    with pytest.raises(InputError, match=r"params.yaml: no key b.lots"):
        edit_params(path, {"b.lots": []})
