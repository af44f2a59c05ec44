"""Edits of dvc.yaml: one dependency more, and not another byte."""

from pathlib import Path

import pytest

from amelio.actions.pipeline_file import add_dependency

CASES = {
    "block": (
        "stages:\n  compare:\n    deps:\n      # why\n      - a.txt   # first\n\n    # more\n",
        "stages:\n  compare:\n    deps:\n      # why\n      - x.pth\n      - a.txt   # first\n\n"
        "    # more\n",
    ),
    "not indented": (
        "stages:\n  compare:\n    deps:\n    - a.txt\n    cmd: b\n",
        "stages:\n  compare:\n    deps:\n    - x.pth\n    - a.txt\n    cmd: b\n",
    ),
    "flow": (
        "stages: {compare: {deps: [ a.txt ], cmd: 'é'}}\n",
        "stages: {compare: {deps: [ x.pth, a.txt ], cmd: 'é'}}\n",
    ),
    "there already": ("stages: {compare: {deps: [x.pth]}}\n",) * 2,
}


@pytest.mark.parametrize("case", CASES)
def test_a_dependency_is_added_once(tmp_path: Path, case: str) -> None:
    before, after = CASES[case]
    path = tmp_path / "dvc.yaml"
    path.write_text(before, encoding="utf-8")
    for _ in range(2):
        assert add_dependency(path, "compare", "x.pth")
        assert path.read_text(encoding="utf-8") == after


@pytest.mark.parametrize("text", ["stages: {}\n", "stages: {compare: {cmd: a}}\n", "", "- 1\n"])
def test_without_such_a_stage_nothing_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dvc.yaml"
    assert not add_dependency(path, "compare", "x.pth")
    path.write_text(text)
    assert not add_dependency(path, "compare", "x.pth")
    assert path.read_text() == text
