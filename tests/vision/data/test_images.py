"""Every kind of file that may lie in a lot, and every kind that must not get in."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from amelio.vision.data import images
from amelio.vision.data.images import (
    UnreadableImageError,
    bombs_refused,
    content_box,
    decode,
    read_content,
)
from amelio.vision.data.schema import Preprocessing
from amelio.vision.parallel import in_order
from tests.vision.pictures import encoded, gradient, png_header

WHOLE = Preprocessing(image_size=40, trim_border=False)
TRIMMED = Preprocessing(image_size=40, trim_border=True)
ORIENTATION = 0x0112


def difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 100})],
)
def test_every_format_gives_the_same_picture(kind: str, options: dict[str, object]) -> None:
    picture = gradient()
    found = decode(encoded(picture, kind, **options), WHOLE)
    assert found.shape == (40, 40, 3)
    assert found.dtype == np.uint8
    assert difference(found, np.asarray(picture)) <= (12 if kind == "JPEG" else 0)


def test_grey_palette_and_bilevel() -> None:
    picture = gradient()
    grey = decode(encoded(picture.convert("L")), WHOLE)
    assert difference(grey, np.asarray(picture.convert("L").convert("RGB"))) == 0
    palette = picture.convert("P")
    assert difference(decode(encoded(palette), WHOLE), np.asarray(palette.convert("RGB"))) == 0
    assert set(decode(encoded(picture.convert("1")), WHOLE).ravel().tolist()) == {0, 255}


def test_transparency_stands_on_white() -> None:
    picture = gradient().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((40, 40)))
    found = decode(encoded(picture), WHOLE)
    alpha = np.asarray(picture)[..., 3:] / 255
    expected = np.asarray(picture)[..., :3] * alpha + 255 * (1 - alpha)
    assert difference(found, expected) <= 1
    assert found[0].min() >= 250


def test_transparent_palette_stands_on_white() -> None:
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([10, 20, 30, 200, 100, 0])
    picture.paste(1, (0, 0, 20, 40))
    found = decode(encoded(picture, transparency=0), WHOLE)
    assert found[0, 30].tolist() == [255, 255, 255]
    assert found[0, 5].tolist() == [200, 100, 0]


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, 1600).astype(np.uint16).reshape(40, 40)
    found = decode(encoded(Image.fromarray(levels)), WHOLE)
    assert difference(found[..., 0], levels / 257) <= 1
    assert (found[..., 0] == found[..., 2]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    picture = gradient(40, 30)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = encoded(picture, exif=exif)
    with Image.open(io.BytesIO(stored)) as image:
        upright = ImageOps.exif_transpose(image)
    assert difference(decode(stored, WHOLE), decode(encoded(upright), WHOLE)) == 0
    assert (upright.size == (30, 40)) == (orientation >= 5)


def test_damaged_exif_does_not_make_a_picture_unreadable() -> None:
    stored = encoded(gradient(), "JPEG", exif=b"Exif\0\0nonsense")
    assert decode(stored, WHOLE).shape == (40, 40, 3)


def test_proportions_are_kept_and_padded_in_the_corners_colour() -> None:
    picture = Image.new("RGB", (200, 100), (20, 200, 90))
    picture.paste((250, 0, 0), (50, 25, 150, 75))
    found = decode(encoded(picture), WHOLE)
    assert found[0, 0].tolist() == found[-1, -1].tolist() == [20, 200, 90]
    red = found[..., 0] > 128
    assert red.sum(axis=0).max() * 2 == red.sum(axis=1).max() == 20


def test_uniform_border_is_trimmed_despite_noise() -> None:
    rng = np.random.default_rng(0)
    pixels = np.full((300, 300, 3), 250, np.uint8)
    pixels[100:200, 120:220] = np.asarray(gradient(100, 100))
    noise = rng.integers(-5, 6, pixels.shape)
    noisy = Image.fromarray(np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8))
    left, top, right, bottom = content_box(noisy)
    assert (left, top, right, bottom) == (120, 100, 220, 200)
    found = decode(encoded(noisy), TRIMMED)
    expected = np.asarray(gradient(100, 100).resize((40, 40)))
    assert np.abs(found.astype(int) - expected).mean() < 12
    assert difference(found, decode(encoded(noisy), WHOLE)) > 100


def test_small_content_of_a_large_picture_keeps_its_detail() -> None:
    checks = np.indices((40, 40)).sum(axis=0) % 2 * 255
    page = np.full((800, 800), 255, np.uint8)
    page[300:340, 500:540] = checks
    found = decode(encoded(Image.fromarray(page)), TRIMMED)
    assert found.std() > 60  # averaged down with the page it would be uniform grey


def test_all_border_is_kept() -> None:
    found = decode(encoded(Image.new("RGB", (90, 90), (1, 2, 3))), TRIMMED)
    assert (found == (1, 2, 3)).all()


def test_large_jpeg_is_decoded_at_a_smaller_scale_alike() -> None:
    picture = gradient(1600, 1200)
    found = decode(encoded(picture, "JPEG", quality=95), WHOLE)
    assert difference(found, decode(encoded(picture), WHOLE)) <= 6


def test_very_long_picture() -> None:
    assert decode(encoded(gradient(3000, 2)), TRIMMED).shape == (40, 40, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not one of PNG, JPEG, WEBP, BMP"),
        (b"%PDF-1.7 hello", "not one of PNG"),
        (encoded(gradient(), "GIF"), "not one of PNG"),
        (encoded(gradient(), "TIFF"), "not one of PNG"),
        (encoded(gradient())[:-60], "damaged: image file is truncated"),
        (encoded(gradient(400, 400), "JPEG")[:2000], "damaged: image file is truncated"),
        # no data: only who looks at the header first finds these too large
        (png_header(20000, 20000), "more than 50 megapixels"),
        (png_header(13000, 13700), "more than 50 megapixels"),  # Pillow would only warn
        (png_header(8000, 7000), "8000×7000 pixels: more than 50 megapixels"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with bombs_refused(), pytest.raises(UnreadableImageError, match=reason):
        decode(content, WHOLE)


def test_animations_of_many_frames_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [gradient(seed=seed) for seed in range(4)]
    stored = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert difference(decode(stored, WHOLE), np.asarray(frames[0])) == 0
    monkeypatch.setattr(images, "MAX_FRAMES", 3)
    with pytest.raises(UnreadableImageError, match="4 frames, at most 3"):
        decode(stored, WHOLE)


def test_reading_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "été à la mer.png"
    path.write_bytes(encoded(gradient()))
    assert read_content(path) == encoded(gradient())
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    with pytest.raises(UnreadableImageError, match="at most 0 are read"):
        read_content(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableImageError, match="the file is empty"):
        read_content(path)
    with pytest.raises(UnreadableImageError, match="No such file"):
        read_content(tmp_path / "missing.png")
    with pytest.raises(UnreadableImageError, match="not a regular file"):
        read_content(tmp_path)
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    with pytest.raises(UnreadableImageError, match="not a regular file"):  # and does not wait
        read_content(fifo)


def _kinds() -> list[bytes]:
    """Every kind of PNG, and some damaged."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = gradient(50, 30)
    plain = encoded(picture)
    frames = [gradient(seed=seed) for seed in range(3)]
    sixteen = np.linspace(0, 65535, 1600).astype(np.uint16).reshape(40, 40)
    return [
        plain,
        encoded(gradient(400, 300)),
        encoded(picture, transparency=(0, 0, 0)),
        encoded(picture, exif=exif),
        encoded(frames[0], save_all=True, append_images=frames[1:]),
        encoded(picture.convert("RGBA")),
        encoded(picture.convert("P")),
        encoded(picture.convert("L")),
        encoded(Image.fromarray(sixteen)),
        plain[:-60],
        plain[:-1],
        plain[:60] + b"?" + plain[61:],
        png_header(40, 40),
        b"",
    ]


def test_in_a_worker_process_pictures_are_the_same() -> None:
    def look(content: bytes) -> bytes | str:
        try:
            return decode(content, TRIMMED).tobytes()
        except UnreadableImageError as error:
            return error.reason

    kinds = _kinds()
    found = list(in_order(look, kinds, 2, in_processes=True))
    assert found == [look(content) for content in kinds]
    assert sum(isinstance(one, str) for one in found) == 3


SEEDS = [encoded(gradient(), kind) for kind in ("PNG", "JPEG", "WEBP", "BMP")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_files_give_a_picture_or_a_reason(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)))
    with bombs_refused():
        try:
            found = decode(bytes(changed[:cut]), TRIMMED)
        except UnreadableImageError as error:
            assert error.reason  # noqa: PT017
        else:
            assert found.shape == (40, 40, 3)
