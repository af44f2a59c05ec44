"""Preparation from files to tensor: cached, the same every time, clear about what is wrong."""

import os
import resource
import shutil
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.data import record_cache
from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.dataset import PreparedData, load_dataset, save_dataset
from amelio.vision.data.images import decode
from amelio.vision.data.loading import decode_cache
from amelio.vision.data.prepare import PreparationReport, prepare
from amelio.vision.data.schema import Preprocessing, Side
from amelio.vision.params import DataParams, EvaluateParams
from tests.vision.pictures import encoded, gradient, png_header, write_picture

DATA = DataParams(image_size=8, train_split=0.6, val_split=0.4)
EVALUATE = EvaluateParams(test_size=0.3)


class Project:
    """Annotated pictures of attribute `a`, 0 and 1 in turns."""

    def __init__(self, root: Path, n: int = 40) -> None:
        self.root = root
        self.images = root / "raw"
        self.csv = root / "mapped_train.csv"
        self.cache = root / "cache"
        self.rows: list[str] = []
        self.add("s1", n)

    def add(self, lot: str, n: int, annotated: bool = True) -> None:
        for index in range(n):
            name = f"{lot}_{index:03}.png"
            write_picture(self.images / lot / name, seed=1000 * int(lot[1:]) + index)
            if annotated:
                self.rows.append(f"{lot}/{name},{index % 2}")

    def prepare(
        self, data: DataParams = DATA, n_workers: int | None = None
    ) -> tuple[PreparedData, PreparationReport]:
        self.csv.write_text("filename,a\n" + "\n".join(self.rows) + "\n")
        annotations = read_annotations(self.csv, self.images, data.attributes)
        return prepare(annotations, self.images, data, EVALUATE, self.cache, n_workers)

    def bytes(self, n_workers: int | None = None) -> bytes:
        path = self.root / "train_data_s1.pt"
        save_dataset(self.prepare(n_workers=n_workers)[0], path)
        return path.read_bytes()

    def segments(self) -> list[Path]:
        return sorted(self.cache.rglob("*.seg"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_dataset_holds_what_the_files_show(project: Project) -> None:
    data, report = project.prepare()
    assert data.images.shape == (40, 3, 8, 8)
    assert data.images.dtype == torch.uint8
    assert data.files[3] == "s1/s1_003.png"
    expected = decode((project.images / data.files[3]).read_bytes(), data.preprocessing)
    assert (data.images[3].numpy() == expected.transpose(2, 0, 1)).all()
    assert data.labels[:, 0].tolist() == [0, 1] * 20
    assert set(data.sides.tolist()) == {Side.TRAIN, Side.VALIDATION, Side.TEST}
    text = report.describe()
    assert "40 images, 40 of them decoded now" in text
    assert "a = 1" in text
    path = project.root / "x.pt"
    save_dataset(data, path)
    assert (load_dataset(path).images == data.images).all()


def test_equal_bytes_whatever_else(project: Project) -> None:
    first = project.bytes(n_workers=1)
    assert project.bytes(n_workers=3) == first  # now from the cache
    shutil.rmtree(project.cache)
    project.add("s2", 5, annotated=False)
    project.rows.reverse()
    assert project.bytes(n_workers=4) == first


def test_only_new_images_are_decoded(project: Project) -> None:
    assert project.prepare()[1].n_decoded == 40
    before, report = project.prepare()
    assert report.n_decoded == 0
    project.add("s2", 6)
    after, report = project.prepare()
    assert report.n_decoded == 6
    assert len(after.files) == 46
    assert (after.images[:40] == before.images).all()
    assert (after.sides[:40] == before.sides).all()
    write_picture(project.images / "s1/s1_000.png", seed=77)
    assert project.prepare()[1].n_decoded == 1
    (project.images / "s1/s1_001.png").rename(project.images / "s1/renamed.png")
    project.rows[1] = "s1/renamed.png,1"
    assert project.prepare()[1].n_decoded == 0


def test_other_parameters_use_other_cached_images(project: Project) -> None:
    assert project.prepare()[1].n_decoded == 40
    assert project.prepare(replace_size(16))[1].n_decoded == 40
    assert project.prepare(DATA.model_copy(update={"trim_border": False}))[1].n_decoded == 40
    assert project.prepare()[1].n_decoded == 0
    assert project.prepare(replace_size(12))[1].n_decoded == 40
    assert len(list(project.cache.iterdir())) == record_cache.MAX_FOLDERS
    assert project.prepare(replace_size(16))[1].n_decoded == 40  # the longest unused had to go
    assert project.prepare()[1].n_decoded == 0


def replace_size(size: int) -> DataParams:
    return DATA.model_copy(update={"image_size": size})


def test_many_segments_become_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_cache, "MAX_SEGMENTS", 3)
    project.prepare()
    for lot in ("s2", "s3"):
        project.add(lot, 2)
        project.prepare()
    assert len(project.segments()) == 3
    project.add("s4", 2)
    data, report = project.prepare()
    assert report.n_decoded == 2
    assert len(project.segments()) == 1
    again, report = project.prepare()
    assert report.n_decoded == 0
    assert (again.images == data.images).all()


@pytest.mark.parametrize(
    ("place", "n_decoded"),
    [("header", 40), ("index", 40), ("pixels", 1), ("cut", 40), ("empty", 40), ("foreign", 40)],
)
def test_a_damaged_cache_is_rebuilt(project: Project, place: str, n_decoded: int) -> None:
    good, _ = project.prepare()
    (segment,) = project.segments()
    content = bytearray(segment.read_bytes())
    if place in ("cut", "empty"):
        content = content[: -20 if place == "cut" else 0]
    elif place == "foreign":
        content = bytearray(b"not ours")
    else:
        content[{"header": 2, "index": 60, "pixels": -5}[place]] ^= 255
    segment.write_bytes(content)
    data, report = project.prepare()
    assert report.n_decoded == n_decoded
    assert (data.images == good.images).all()
    assert project.prepare()[1].n_decoded == 0


def test_a_segment_of_absurd_size_is_passed_over(project: Project) -> None:
    project.prepare()
    (segment,) = project.segments()
    header = struct.pack("<16sQQI", b"amelio.images/1\0", 2**60, 3 * 8 * 8, 0)
    (segment.parent / "zz.seg").write_bytes(header)
    assert project.prepare()[1].n_decoded == 0


def test_left_overs_of_a_killed_run_are_swept(project: Project) -> None:
    project.prepare()
    (segment,) = project.segments()
    old, young = (segment.parent / f".{name}.seg.x.tmp" for name in ("old", "young"))
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    project.prepare()
    assert not old.exists()
    assert young.exists()  # it may be another run's


def test_what_was_decoded_before_an_interruption_is_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupt:
        """Stands in for the progress bar, and for Ctrl-C."""

        def __enter__(self) -> object:
            return self

        def __exit__(self, *_: object) -> None: ...

        def __call__(self, _: int) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("amelio.vision.data.prepare.progress", lambda *_: Interrupt())
    with pytest.raises(KeyboardInterrupt):
        project.prepare()
    monkeypatch.undo()
    assert project.prepare()[1].n_decoded == 24


def test_copies_stand_on_one_side(project: Project) -> None:
    for index in range(20):
        copy = f"s2/copy_{index}.png"
        (project.images / "s2").mkdir(exist_ok=True)
        shutil.copy(project.images / f"s1/s1_{index:03}.png", project.images / copy)
        project.rows.append(f"{copy},{index % 2}")
    data, _ = project.prepare()
    sides = dict(zip(data.files, data.sides.tolist(), strict=True))
    for index in range(20):
        assert sides[f"s2/copy_{index}.png"] == sides[f"s1/s1_{index:03}.png"]


def spoil(project: Project) -> None:
    lot = project.images / "s1"
    (lot / "s1_002.png").write_bytes(b"")
    (lot / "s1_005.png").write_bytes(b"<html>404</html>")
    (lot / "s1_009.png").write_bytes((lot / "s1_009.png").read_bytes()[:-80])
    (lot / "s1_039.png").write_bytes(png_header(20000, 20000))


def test_too_many_unreadable_images_are_refused(project: Project) -> None:
    spoil(project)
    with pytest.raises(InputError) as caught:
        project.prepare()
    text = str(caught.value)
    assert "raw: 4 of 40 images are unreadable, at most 1.0% may be:" in text
    assert "s1/s1_002.png: the file is empty (0 bytes)" in text
    assert "s1/s1_005.png: not one of PNG, JPEG, WEBP, BMP" in text
    assert "s1/s1_009.png: damaged: " in text
    assert "s1/s1_039.png: more than 50 megapixels" in text
    assert "data.max_unreadable_share" in text


def test_a_few_unreadable_images_are_left_out_and_listed(project: Project) -> None:
    whole, _ = project.prepare()
    spoil(project)
    data, report = project.prepare(DATA.model_copy(update={"max_unreadable_share": 0.1}))
    kept = [row for row in range(40) if row not in (2, 5, 9, 39)]
    assert data.files == tuple(whole.files[row] for row in kept)
    assert (data.images == whole.images[kept]).all()
    assert (data.labels == whole.labels[kept]).all()
    assert (data.sides == whole.sides[kept]).all()
    text = report.describe()
    assert "4 unreadable images left out:" in text
    assert "s1/s1_005.png: not one of" in text
    stored = data.images.untyped_storage().nbytes()
    assert stored == data.images.numel()  # the file holds no rows of the unreadable ones


def test_too_few_images_name_the_csv(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mapped_train\.csv: too few images to split"):
        Project(tmp_path, n=2).prepare()


def test_a_class_with_a_single_image(project: Project) -> None:
    project.rows[0] = "s1/s1_000.png,7"
    with pytest.raises(InputError, match=r"mapped_train\.csv: too few.*\n.*class 7 has a single"):
        project.prepare()


def test_a_single_image_of_a_misspelt_class(project: Project) -> None:
    project.rows = [
        f"{row.partition(',')[0]},{'square' if n % 2 else 'circle'}"
        for n, row in enumerate(project.rows)
    ]
    project.rows[30] = "s1/s1_030.png,Cirlce"
    project.rows[31] = "s1/s1_031.png,hexagon"
    (project.images / "s1/s1_000.png").write_bytes(b"")  # left out; the lines stay
    with pytest.raises(InputError) as caught:
        project.prepare(DATA.model_copy(update={"max_unreadable_share": 0.1}))
    assert caught.value.message.splitlines()[1:] == [
        "  line 32: a: class 'Cirlce' has a single image; did you mean 'circle'?",
        "  line 33: a: class 'hexagon' has a single image",
    ]


def test_peak_memory_grows_by_the_tensor_only(project: Project) -> None:
    lot = project.images / "s1"
    for index in range(1500):
        (lot / f"copy_{index:04}.png").hardlink_to(lot / f"s1_{index % 40:03}.png")
        project.rows.append(f"s1/copy_{index:04}.png,{index % 2}")
    tracemalloc.start()  # numpy's arrays are among what it counts
    data = project.prepare(replace_size(64))[0]
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.images.nbytes == 1540 * 3 * 64 * 64
    assert peak_bytes < 1.3 * data.images.nbytes


def test_a_full_disk_loses_nothing(project: Project) -> None:
    path = project.root / "train_data_s1.pt"
    before = project.bytes()
    project.add("s2", 40)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        with pytest.raises(EnvironmentFailedError, match=r"\.seg: .* MiB are needed, .* are free"):
            project.prepare()
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        data, report = project.prepare()
        assert report.n_decoded == 40
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
        with pytest.raises(EnvironmentFailedError, match=r"train_data_s1\.pt: File too large"):
            save_dataset(data, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [left.name for left in project.root.rglob("*.tmp")] == []


def test_room_is_looked_for_beforehand(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = project.prepare()
    usage = shutil.disk_usage(project.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    path = project.root / "new/folder/x.pt"
    with pytest.raises(EnvironmentFailedError, match=r"x\.pt: No space left .* 0\.0 MiB are free"):
        save_dataset(data, path)
    assert not path.parent.exists()


def test_other_failures_of_the_disk_are_not_called_full(project: Project) -> None:
    data, _ = project.prepare()
    (project.root / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        save_dataset(data, project.root / "taken")


def test_cached_pixels_equal_decoded_ones(tmp_path: Path) -> None:
    preprocessing = Preprocessing(8, trim_border=True)
    cache = decode_cache(tmp_path, preprocessing)
    pictures = [encoded(gradient(seed=seed)) for seed in range(5)]
    pixels = np.stack([decode(content, preprocessing) for content in pictures])
    pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    digests = [record_cache.digest_of(content) for content in pictures]
    cache.add(pixels, [4, 1], [digests[4], digests[1]])
    cache.close()
    reopened = decode_cache(tmp_path, replace(preprocessing))
    target = np.zeros((3, 8, 8), np.uint8)
    assert [reopened.read_into(digest, target) for digest in digests[:2]] == [False, True]
    assert (target == pixels[1]).all()
    reopened.close()
    assert os.listdir(tmp_path) == ["8-trimmed-2"]  # noqa: PTH208
