"""Writes a demo project's images, annotations and truth to disk.

`data/raw/<lot>/<lot>_00000.png`, `data/annotations/mapped_train.csv` (lot s1 only) and, apart from
what the pipeline reads, `truth/lots.csv` (all other lots).
"""

import csv
import io
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from amelio import atomic
from amelio.demos import digits, faces
from amelio.errors import EnvironmentFailedError, InputError
from amelio.vision.parallel import obey_parent

N_LOTS = 9
ANNOTATED_SHARE = 0.65  # in lot s1
MIN_IMAGES = 100  # 65 annotated ones; of 39, none might be left to validate or to test on
CHUNK = 25  # images a task: short enough for progress and Ctrl-C, long enough to cost nothing

Progress = Callable[[int, int], None]


class Collection(Enum):
    """The image collections that a demo can be made of."""

    FACES = "faces"
    DIGITS = "digits"


DEFAULT_N_IMAGES = {Collection.FACES: 2000, Collection.DIGITS: digits.N_DIGITS}
DRIFTED_LOT = {Collection.FACES: f"s{faces.DRIFTED_LOT}", Collection.DIGITS: None}


@dataclass(frozen=True)
class CollectionSummary:
    """What was written, and where.

    n_images: images of each lot, by name, in order; the first lot is the annotated one
    drifted_lot: the lot that looks different from the others, if there is one
    """

    images: Path
    annotations: Path
    truth: Path
    attributes: tuple[str, ...]
    n_images: dict[str, int]
    drifted_lot: str | None


@dataclass(frozen=True)
class _Picture:
    """One image's place: its lot (1 …), its index there, and its position in the collection."""

    lot: int
    index: int
    position: int

    @property
    def filename(self) -> str:
        return f"s{self.lot}_{self.index:05d}.png"


@dataclass(frozen=True)
class _Source:
    """Where images and labels come from."""

    kind: Collection
    seed: int

    def png(self, picture: _Picture) -> bytes:
        match self.kind:
            case Collection.FACES:
                return faces.png(self.seed, picture.lot, picture.index)
            case Collection.DIGITS:
                return digits.png(self.seed, picture.position)

    def labels(self, picture: _Picture) -> dict[str, int]:
        match self.kind:
            case Collection.FACES:
                return asdict(faces.labels(self.seed, picture.lot, picture.index))
            case Collection.DIGITS:
                return asdict(digits.labels(self.seed, picture.position))


def write_collection(
    kind: Collection,
    folder: Path,
    n_images: int,
    seed: int,
    workers: int,
    progress: Progress | None = None,
) -> CollectionSummary:
    """Write a collection of `n_images` below `folder`; files of the same names are overwritten.

    workers: processes that draw at the same time; the result does not depend on it
    progress: called with the number of images written so far and of all images

    The annotations are written last: where they are, everything else is.
    Raises InputError for a number of images that the collection cannot have or a negative seed,
    EnvironmentFailedError when the disk does not take the files.
    """
    _check(kind, n_images, seed)
    source, sizes = _Source(kind, seed), lot_sizes(n_images)
    pictures = list(_pictures(sizes))
    annotated, others = pictures[: sizes[0]], pictures[sizes[0] :]
    raw, truth = folder / "data" / "raw", folder / "truth" / "lots.csv"
    annotations = folder / "data" / "annotations" / "mapped_train.csv"
    try:
        n_written = 0
        for n_more in _draw(source, raw, pictures, workers):
            n_written += n_more
            if progress:
                progress(n_written, n_images)
        _write_table(truth, source, others)
        _write_table(annotations, source, annotated)
    except OSError as error:
        raise EnvironmentFailedError(
            f"cannot write the demo images: {error.strerror or error}", path=folder
        ) from error
    except BrokenProcessPool as error:
        raise EnvironmentFailedError(
            "a process that draws the demo images was killed",
            path=folder,
            hint="where memory is short, draw with fewer workers",
        ) from error
    return CollectionSummary(
        images=raw,
        annotations=annotations,
        truth=truth,
        attributes=tuple(source.labels(pictures[0])),
        n_images={f"s{lot}": size for lot, size in enumerate(sizes, start=1)},
        drifted_lot=DRIFTED_LOT[kind],
    )


def lot_sizes(n_images: int) -> list[int]:
    """Images of lots s1 … s9: 65 % in the first, the rest evenly over the others."""
    annotated = round(n_images * ANNOTATED_SHARE)
    each, over = divmod(n_images - annotated, N_LOTS - 1)
    return [annotated, *(each + (i < over) for i in range(N_LOTS - 1))]


def _check(kind: Collection, n_images: int, seed: int) -> None:
    if n_images < MIN_IMAGES:
        raise InputError(
            f"{n_images} images are too few for a demo of {N_LOTS} lots",
            hint=f"use at least {MIN_IMAGES}; the default is {DEFAULT_N_IMAGES[kind]}",
        )
    if kind is Collection.DIGITS and n_images > digits.N_DIGITS:
        raise InputError(
            f"{n_images} images are more than the {digits.N_DIGITS} digits there are",
            hint=f"use at most {digits.N_DIGITS}, or the faces, of which there is no end",
        )
    if seed < 0:
        raise InputError(f"the seed is {seed}, but must be 0 or more")


def _pictures(sizes: Sequence[int]) -> Iterator[_Picture]:
    position = 0
    for lot, size in enumerate(sizes, start=1):
        for index in range(size):
            yield _Picture(lot, index, position)
            position += 1


def _draw(
    source: _Source, folder: Path, pictures: Sequence[_Picture], workers: int
) -> Iterator[int]:
    """Write all pictures, and tell of each chunk how many it had when it is on disk."""
    for lot in dict.fromkeys(picture.lot for picture in pictures):
        (folder / f"s{lot}").mkdir(parents=True, exist_ok=True)
    chunks = [pictures[i : i + CHUNK] for i in range(0, len(pictures), CHUNK)]
    # Importing scikit-learn in each process takes longer than enlarging all digits in this one.
    if workers <= 1 or source.kind is Collection.DIGITS:
        yield from (_draw_chunk(source, folder, chunk) for chunk in chunks)
        return
    spawn = multiprocessing.get_context("spawn")  # fork is unsafe where the caller has threads
    n_processes = min(workers, len(chunks))
    with ProcessPoolExecutor(n_processes, mp_context=spawn, initializer=obey_parent) as pool:
        tasks = [pool.submit(_draw_chunk, source, folder, chunk) for chunk in chunks]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _draw_chunk(source: _Source, folder: Path, chunk: Sequence[_Picture]) -> int:
    for picture in chunk:
        path = folder / f"s{picture.lot}" / picture.filename
        path.write_bytes(source.png(picture))
    return len(chunk)


def _write_table(path: Path, source: _Source, pictures: Sequence[_Picture]) -> None:
    rows = [{"filename": picture.filename, **source.labels(picture)} for picture in pictures]
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    atomic.write_text(path, text.getvalue())
