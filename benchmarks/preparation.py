"""Preparation against a bare loop that decodes and resizes the same files on all cores.

    python benchmarks/preparation.py [--images 1000] [--rounds 3]

Both sides run in turns in one process, the best round counts. Ours reads the annotations, hashes,
decodes, trims, resizes, splits, checks and keeps every image for the next run; the loop does
nothing but decode and resize. Goals: at least 0.85 of the loop's rate; a second run with one lot
more takes at most what that lot takes, and 1 s.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.prepare import prepare
from amelio.vision.parallel import n_cores
from amelio.vision.params import DataParams, EvaluateParams
from demo_images import draw_lot

SIZE = 64


def bare_loop(files: Sequence[Path]) -> None:
    """What anybody would write, in as many threads as there are cores."""

    def decode(path: Path) -> np.ndarray:
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            return np.asarray(resized)

    with ThreadPoolExecutor(n_cores()) as executor:
        for _ in executor.map(decode, files):
            pass


def prepared(folder: Path, files: Sequence[Path]) -> int:
    """Prepare `files` as the stage does; returns how many had to be decoded."""
    rows = [f"{path.parent.name}/{path.name},{row % 2}" for row, path in enumerate(files)]
    labels = folder / "mapped_train.csv"
    labels.write_text("filename,a\n" + "\n".join(rows) + "\n")
    annotations = read_annotations(labels, folder / "raw")
    data, evaluate = DataParams(image_size=SIZE), EvaluateParams()
    _, report = prepare(annotations, folder / "raw", data, evaluate, folder / "cache")
    return report.n_decoded


class Clock:
    """Wall and CPU time of the best call so far; where others use the cores, CPU time is fairer."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = float("inf")

    def time(self, work: Callable[[], object]) -> None:
        """Call `work` once."""
        wall, cpu = time.perf_counter(), sum(os.times()[:4])  # of children, too
        work()
        self.wall_s = min(self.wall_s, time.perf_counter() - wall)
        self.cpu_s = min(self.cpu_s, sum(os.times()[:4]) - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = draw_lot(folder / "raw", 1, options.images)
        extra = draw_lot(folder / "raw", 2, options.images // 5)
        bare_loop(files[:50])
        bare, ours, again, grown, lot = (Clock() for _ in range(5))
        for _ in range(options.rounds):
            shutil.rmtree(folder / "cache", ignore_errors=True)
            bare.time(lambda: bare_loop(files))
            ours.time(lambda: prepared(folder, files))
            again.time(lambda: prepared(folder, files))
            lot.time(lambda: bare_loop(extra))
            grown.time(lambda: prepared(folder, [*files, *extra]))
    n_images = len(files)
    print(f"{n_cores()} cores, {n_images} faces of 500×500 pixels to {SIZE}×{SIZE}")
    print(f"bare loop    {n_images / bare.wall_s:6.0f} images/s")
    print(f"preparation  {n_images / ours.wall_s:6.0f} images/s")
    print(
        f"ratio        {bare.wall_s / ours.wall_s:6.2f} (of CPU time {bare.cpu_s / ours.cpu_s:.2f})"
    )
    print(f"again        {again.wall_s:6.2f} s")
    print(f"{len(extra)} more   {grown.wall_s:8.2f} s; a bare loop over these: {lot.wall_s:.2f} s")


if __name__ == "__main__":
    main()
