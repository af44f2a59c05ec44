"""Where an error of DVC's is to be mended."""

from pathlib import Path

import pytest
from dvc.exceptions import DvcException

from amelio.dvcio.places import find_place


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("'data.txt' is not a .dvc file", None),  # "a" is a word of DVC's
        ("Path 'a' is ignored", None),  # and this one a file
        ("stage: 'a' is within an output 'd' of another stage", 2),
        ("'cmd' cannot be empty for stage 'group@1'", 4),
    ],
)
def test_a_stage_is_where_dvc_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text("stages:\n  a:\n    cmd: echo\n  group:\n    cmd: echo\n")
    place = find_place(DvcException(text))
    assert (place.line if place else None) == line
