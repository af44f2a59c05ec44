"""Collections on disk: layout, tables, workers, and what cannot be written."""

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from amelio.demos import digits, faces
from amelio.demos.collection import (
    DEFAULT_N_IMAGES,
    MIN_IMAGES,
    N_LOTS,
    Collection,
    lot_sizes,
    write_collection,
)
from amelio.errors import EnvironmentFailedError, InputError

LOTS = [f"s{lot}" for lot in range(1, N_LOTS + 1)]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_layout_tables_and_progress(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    summary = write_collection(
        Collection.FACES, tmp_path, 100, seed=0, workers=1, progress=lambda *n: calls.append(n)
    )
    images = {path for path in contents(tmp_path) if path.endswith(".png")}
    assert images == {
        f"data/raw/{lot}/{lot}_{index:05d}.png"
        for lot, size in summary.n_images.items()
        for index in range(size)
    }
    assert summary.n_images == dict(zip(LOTS, [65, 5, 5, 5, 4, 4, 4, 4, 4], strict=True))
    assert summary.annotations == tmp_path / "data/annotations/mapped_train.csv"
    assert summary.truth == tmp_path / "truth/lots.csv"
    assert set(contents(tmp_path)) - images == {
        "data/annotations/mapped_train.csv",
        "truth/lots.csv",
    }
    assert summary.drifted_lot == "s7"

    annotated, others = rows(summary.annotations), rows(summary.truth)
    assert [row["filename"] for row in annotated] == [f"s1_{i:05d}.png" for i in range(65)]
    assert {row["filename"].split("_")[0] for row in others} == set(LOTS[1:])
    assert len(annotated) + len(others) == 100
    assert list(annotated[0]) == list(others[0]) == ["filename", *summary.attributes]
    expected = {name: str(value) for name, value in asdict(faces.labels(0, 1, 7)).items()}
    assert annotated[7] == {"filename": "s1_00007.png", **expected}

    assert calls[-1] == (100, 100)
    assert [n for n, _ in calls] == sorted({n for n, _ in calls})


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    one = write_collection(Collection.FACES, tmp_path / "one", 100, seed=4, workers=1)
    two = write_collection(Collection.FACES, tmp_path / "two", 100, seed=4, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert one.n_images == two.n_images


def test_images_are_those_of_the_faces(tmp_path: Path) -> None:
    write_collection(Collection.FACES, tmp_path, 100, seed=5, workers=2)
    assert (tmp_path / "data/raw/s7/s7_00001.png").read_bytes() == faces.png(5, 7, 1)


def test_digits(tmp_path: Path) -> None:
    summary = write_collection(Collection.DIGITS, tmp_path, 100, seed=2, workers=2)
    assert summary.attributes == ("digit", "even", "has_loop")
    assert summary.drifted_lot is None
    assert (tmp_path / "data/raw/s2/s2_00000.png").read_bytes() == digits.png(2, 65)
    shown = [
        {name: int(row[name]) for name in summary.attributes}
        for row in [*rows(summary.annotations), *rows(summary.truth)]
    ]
    assert shown == [asdict(digits.labels(2, position)) for position in range(100)]


@pytest.mark.parametrize("kind", Collection)
def test_default_sizes(kind: Collection) -> None:
    sizes = lot_sizes(DEFAULT_N_IMAGES[kind])
    assert sum(sizes) == DEFAULT_N_IMAGES[kind]
    assert sizes[0] >= 1000
    assert max(sizes[1:]) - min(sizes[1:]) <= 1


@pytest.mark.parametrize(
    ("kind", "n_images", "seed", "message"),
    [
        (Collection.FACES, MIN_IMAGES - 1, 0, "99 images are too few"),
        (Collection.DIGITS, 0, 0, "use at least 100"),
        (Collection.DIGITS, 1798, 0, "use at most 1797"),
        (Collection.FACES, 100, -1, "the seed is -1"),
    ],
)
def test_impossible_wishes_are_refused_and_nothing_is_written(
    tmp_path: Path, kind: Collection, n_images: int, seed: int, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        write_collection(kind, tmp_path / "demo", n_images, seed=seed, workers=1)
    assert message in str(raised.value)
    assert not (tmp_path / "demo").exists()


def test_a_disk_that_refuses_leaves_no_annotations(tmp_path: Path) -> None:
    """The annotations come last: where they are, everything is."""
    (tmp_path / "data/raw/s9/s9_00000.png").mkdir(parents=True)
    for workers in (1, 2):
        with pytest.raises(EnvironmentFailedError) as raised:
            write_collection(Collection.FACES, tmp_path, 100, seed=0, workers=workers)
        assert "cannot write the demo images" in str(raised.value)
    assert not (tmp_path / "data/annotations").exists()


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from amelio.demos.collection import Collection, write_collection\n"
        "if __name__ == '__main__':\n"
        f"    write_collection(Collection.FACES, Path({str(tmp_path / 'demo')!r}), 20000, 0, 2)\n"
    )
    script = tmp_path / "draw.py"
    script.write_text(program, encoding="utf-8")
    command = [sys.executable, str(script)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        end = time.monotonic() + 30
        while not any((tmp_path / "demo").rglob("*.png")):
            assert time.monotonic() < end, "no image was drawn"
            time.sleep(0.05)
        parent.kill()
        parent.communicate(timeout=30)  # the pipe closes when the last worker has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
