"""What lies below a folder of images."""

from pathlib import Path

from amelio.vision.data.image_folder import lots_left_out


def test_lots_that_nothing_predicts(tmp_path: Path) -> None:
    for file in ("s1/a.png", "s1/b.png", "s2/a.png", "s3/a.png", "s4/notes.txt"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.touch()
    annotated = ["s1/a.png", "s1/b.png"]
    assert lots_left_out(tmp_path, ["s2"], annotated) == ["s3"]
    assert lots_left_out(tmp_path, ["s2", "s3"], annotated[:1]) == ["s1"]
