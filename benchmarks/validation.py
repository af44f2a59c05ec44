"""`validate_data` on 20,000 images of 64×64 pixels and 100,000 rows of annotations.

    python benchmarks/validation.py [--images 20000] [--rows 100000]

The first time, a second time, and with a lot of a twentieth more. Goal: at most 60 s on two cores
the first time; a new lot costs only itself.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from amelio.vision.parallel import n_cores
from amelio.vision.params import Params
from amelio.vision.validation.page import write_page
from amelio.vision.validation.quality_files import write_quality
from amelio.vision.validation.validate import validate

SIDE_PX = 64
N_LOTS = 20
N_ATTRIBUTES = 8


def draw_lots(images: Path, first: int, n_lots: int, n_images: int) -> None:
    """Write `n_images` pictures of random texture into each of `n_lots` lots."""
    with ProcessPoolExecutor() as executor:
        list(executor.map(partial(_draw_lot, images, n_images), range(first, first + n_lots)))


def _draw_lot(images: Path, n_images: int, lot: int) -> None:
    rng = np.random.default_rng(lot)
    folder = images / f"s{lot}"
    folder.mkdir(parents=True)
    for index in range(n_images):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        picture = np.asarray(coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
        noise = rng.integers(0, 16, picture.shape, dtype=np.uint8)
        path = folder / f"s{lot}_{index:05}.png"
        Image.fromarray(picture // 2 + 60 + noise).save(path, compress_level=1)


def write_rows(labels: Path, images: Path, n_rows: int) -> None:
    """Write `n_rows` rows about the images, each image several times, one attribute a row."""
    rng = np.random.default_rng(0)
    files = sorted(path.relative_to(images).as_posix() for path in images.rglob("*.png"))
    classes = rng.integers(0, 4, (len(files), N_ATTRIBUTES))
    lines = ["filename," + ",".join(f"a{n}" for n in range(N_ATTRIBUTES))]
    for row in range(n_rows):
        place = row % len(files)
        lines.append(f"{files[place]}," + ",".join(map(str, classes[place])))
    labels.write_text("\n".join(lines) + "\n")


def validated(folder: Path) -> tuple[float, int]:
    """Seconds that it took, and how many images were looked at."""
    start = time.perf_counter()
    quality = validate(folder / "labels.csv", folder / "raw", Params(), folder / "looks")
    write_quality(quality, folder / "quality.json", folder / "findings.csv")
    write_page(quality, Params().validation, folder / "page.html")
    return time.perf_counter() - start, quality.n_looked_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_lots(folder / "raw", 1, N_LOTS, options.images // N_LOTS)
        write_rows(folder / "labels.csv", folder / "raw", options.rows)
        print(f"{n_cores()} cores, {options.images} images, {options.rows} rows")
        for title in ("first time", "again", "one lot more"):
            if title == "one lot more":
                draw_lots(folder / "raw", N_LOTS + 1, 1, options.images // N_LOTS)
            seconds, n_looked_at = validated(folder)
            print(f"{title:13} {seconds:6.1f} s, {n_looked_at} images looked at")


if __name__ == "__main__":
    main()
