"""What is refused in `meta.amelio` and `amelio.yaml`, and in which words."""

from pathlib import Path
from typing import Any

import pytest

from amelio.engine.settings import (
    ProjectSettings,
    gpu_ids,
    load_project,
    machine_totals,
    parse_duration,
    parse_stage,
)
from amelio.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), (5, 5)],
)
def test_durations(text: Any, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"mutx": ["a"]}, "train: meta.amelio.mutx: unknown key; did you mean 'mutex'?"),
        ({"retries": -1}, "amelio.retries: expected a whole number of at least 0, got -1"),
        ({"timeout": "soon"}, "expected a duration like 90s, 30m or 2h, got 'soon'"),
        ({"timeout": "0s"}, "expected a duration like 90s, 30m or 2h, got '0s'"),
        ({"mutex": 1}, "meta.amelio.mutex: expected a list of names, got 1"),
        ({"resources": ["gpu"]}, "expected counters like"),
        ({"probe": "x"}, "has no effect without `when`"),
        ([], "expected a mapping"),
    ],
)
def test_what_is_wrong_in_meta_is_named_with_its_place(raw: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_stage(raw, "train", "dvc.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("dvc.yaml:")


def test_all_cpus_means_alone() -> None:
    found = parse_stage({"resources": {"cpu": "all", "gpu": 1}}, "train", "dvc.yaml")
    assert found.is_alone
    assert found.resources == {"gpu": 1}


def test_all_problems_of_a_stage_come_at_once() -> None:
    with pytest.raises(InputError, match="2 problems"):
        parse_stage({"a": 1, "retries": "x"}, "train", "dvc.yaml")


def test_the_project_file(tmp_path: Path) -> None:
    assert load_project(tmp_path).jobs == 1
    (tmp_path / "amelio.yaml").write_text("core: {jobs: 4}\nresources: {db: 2}\nalerts: {x: 1}\n")
    found = load_project(tmp_path)
    assert (found.jobs, found.resources) == (4, {"db": 2})
    (tmp_path / "amelio.yaml").write_text("core: {jobs: 0}\n")
    with pytest.raises(
        InputError, match=r"core\.jobs: expected a whole number of at least 1, got 0"
    ):
        load_project(tmp_path)
    (tmp_path / "amelio.yaml").write_text("core: [\n")
    with pytest.raises(InputError, match=r"amelio\.yaml:2: not valid YAML"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"env: 3\n", "amelio.yaml:1: env: expected a list of names, got 3"),
        (b"env: [\xff]\n", "amelio.yaml: not readable as YAML: 'utf-8' codec"),
        (b"since: 2026-13-45\n", "amelio.yaml: not readable as YAML: month must be in 1..12"),
        (b"- core\n", "amelio.yaml: the file: expected a mapping, got ['core']"),
    ],
)
def test_a_project_file_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "amelio.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_project(tmp_path)
    assert str(caught.value).startswith(message)


def test_gpus_that_are_hidden_are_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for visible, expected in (("2, 5", ["2", "5"]), ("", []), ("-1", [])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert gpu_ids(None) == expected
        totals = machine_totals(ProjectSettings(resources={"gpu": 2}))
        assert gpu_ids(totals["gpu"]) == expected
