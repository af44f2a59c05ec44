"""The images that the benchmarks of preparation and inference run on: faces, 500×500 PNG."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from amelio.demos import faces


def draw_lot(folder: Path, lot: int, n_images: int) -> list[Path]:
    """Draw a lot of faces below `folder`: `s1/s1_00000.png` and so on."""
    (folder / f"s{lot}").mkdir(parents=True)
    with ProcessPoolExecutor() as executor:
        draw = partial(_draw, folder, lot)
        return list(executor.map(draw, range(n_images), chunksize=25))


def _draw(folder: Path, lot: int, index: int) -> Path:
    path = folder / f"s{lot}/s{lot}_{index:05}.png"
    path.write_bytes(faces.png(1, lot, index))
    return path
