"""Old outputs step aside and come back: files, folders, links, copies, and a crash between any two
steps.
"""

from pathlib import Path

import pytest

from amelio.engine import attic
from amelio.model import OutputPath


def _tree(path: Path) -> dict[str, str]:
    return {
        str(p.relative_to(path)): str(p.readlink()) if p.is_symlink() else p.read_text()
        for p in sorted(path.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


@pytest.fixture
def outputs(tmp_path: Path) -> list[OutputPath]:
    work = tmp_path / "work"
    (work / "folder" / "sub").mkdir(parents=True)
    (work / "file").write_text("old file")
    (work / "folder" / "sub" / "x").write_text("old x")
    (work / "kept").write_text("persists")
    (work / "link").symlink_to("file")
    names = ["file", "folder", "kept", "link", "new"]
    return [OutputPath(str(work / name), is_persistent=name == "kept") for name in names]


def test_aside_and_back(tmp_path: Path, outputs: list[OutputPath]) -> None:
    before = _tree(tmp_path / "work")
    moves = attic.plan_moves(outputs, tmp_path / "attempt")
    attic.set_aside(moves)
    assert _tree(tmp_path / "work") == {"kept": "persists"}
    for name in ("file", "new", "kept"):
        (tmp_path / "work" / name).write_text("half made")
    attic.put_back(moves, tmp_path / "kept")
    assert _tree(tmp_path / "work") == before
    assert sorted(_tree(tmp_path / "kept").values()) == ["half made"] * 3


@pytest.mark.parametrize("cut_at", range(6))
def test_a_crash_while_things_come_back_is_mended_by_doing_it_again(
    tmp_path: Path, outputs: list[OutputPath], cut_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _tree(tmp_path / "work")
    moves = attic.plan_moves(outputs, tmp_path / "attempt")
    attic.set_aside(moves)
    for name in ("file", "new"):
        (tmp_path / "work" / name).write_text("half made")
    real, left = attic.relocate, [cut_at]

    def relocate(source: str, target: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(source, target)

    monkeypatch.setattr(attic, "relocate", relocate)
    try:
        attic.put_back(moves, tmp_path / "kept")
    except KeyboardInterrupt:
        monkeypatch.setattr(attic, "relocate", real)
        attic.put_back(moves, tmp_path / "kept")
    assert _tree(tmp_path / "work") == before


def test_what_is_precious_is_not_removed_and_what_is_outside_not_touched(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    outputs = [OutputPath(str(tmp_path / name), is_outside=name == "c") for name in ("a", "b", "c")]
    moves = attic.plan_moves(outputs, tmp_path / "attempt")
    attic.set_aside(moves)
    assert (tmp_path / "c").read_text() == "c"
    attic.discard(moves, [str(tmp_path / "b")])
    assert list(_tree(tmp_path / "attempt").values()) == ["b"]
