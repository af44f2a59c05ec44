"""Many image files → one tensor, decoded on all cores or taken from the cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amelio.vision.data.images import (
    METHOD,
    UnreadableImageError,
    bombs_refused,
    decode,
    read_content,
)
from amelio.vision.data.record_cache import RecordCache, Records, digest_of
from amelio.vision.data.schema import Preprocessing
from amelio.vision.parallel import in_order

_CHUNK = 16  # images a task: handing one over costs as much as decoding a small JPEG
_KEEP_EVERY = 16384  # new images after which they are put into the cache: what a kill can cost


@dataclass(frozen=True)
class Unreadable:
    """A file that gives no picture, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Loaded:
    """What was made of the readable ones of some files, in the files' order.

    records: (n, …) uint8; of images (n, 3, S, S)
    digests: n digests of the files' contents
    rows: n positions in the list of files
    n_made: how many were not in the cache
    """

    records: Records
    digests: list[bytes]
    rows: list[int]
    unreadable: tuple[Unreadable, ...]
    n_made: int


@dataclass(frozen=True)
class _Outcome:
    digest: bytes = b""
    is_new: bool = False
    reason: str = ""


def decode_cache(folder: Path, preprocessing: Preprocessing) -> RecordCache:
    """Open the cache of decoded images below `folder`: pixels (3, S, S) by their file's content."""
    size = preprocessing.image_size
    border = "trimmed" if preprocessing.trim_border else "whole"
    return RecordCache(folder, f"{size}-{border}-{METHOD}", record_bytes=3 * size * size)


def load_images(
    root: Path,
    files: Sequence[str],
    preprocessing: Preprocessing,
    cache: RecordCache,
    advance: Callable[[int], None],
    n_workers: int | None = None,
) -> Loaded:
    """Decode `files` below `root`; as `load_records`."""
    size = preprocessing.image_size
    images = np.empty((len(files), 3, size, size), np.uint8)
    return load_records(
        root,
        files,
        images,
        lambda content: decode(content, preprocessing).transpose(2, 0, 1),
        cache,
        advance,
        n_workers,
    )


def load_records(
    root: Path,
    files: Sequence[str],
    records: Records,
    make: Callable[[bytes], Records],
    cache: RecordCache,
    advance: Callable[[int], None],
    n_workers: int | None = None,
) -> Loaded:
    """Make a record of each of `files` below `root`; the memory that it takes is the result's.

    records: (N, …) uint8, to be filled; make: a file's content → one record
    advance: called with the number of files done, as it grows

    What has been made is in the cache also when this is interrupted.
    """

    def load(rows: range) -> list[_Outcome]:
        return [_load(root / files[row], records[row], make, cache) for row in rows]

    outcomes: list[_Outcome] = []
    n_kept = 0

    def keep() -> None:
        nonlocal n_kept
        new = [row for row in range(n_kept, len(outcomes)) if outcomes[row].is_new]
        n_kept = len(outcomes)
        cache.add(records, new, [outcomes[row].digest for row in new])

    chunks = (range(i, min(i + _CHUNK, len(files))) for i in range(0, len(files), _CHUNK))
    with bombs_refused():
        try:
            for found in in_order(load, chunks, n_workers):
                outcomes += found
                advance(len(found))
                if len(outcomes) - n_kept >= _KEEP_EVERY:
                    keep()
        finally:
            keep()
    loaded = _readable(files, records, outcomes)
    cache.tidy(loaded.records, loaded.digests)
    return loaded


def _readable(files: Sequence[str], records: Records, outcomes: Sequence[_Outcome]) -> Loaded:
    rows = [row for row, outcome in enumerate(outcomes) if not outcome.reason]
    for target, row in enumerate(rows):
        if target != row:  # close the gaps in place: a copy would double the memory
            records[target] = records[row]
    return Loaded(
        records=records[: len(rows)],
        digests=[outcomes[row].digest for row in rows],
        rows=rows,
        unreadable=tuple(
            Unreadable(files[row], outcome.reason)
            for row, outcome in enumerate(outcomes)
            if outcome.reason
        ),
        n_made=sum(outcome.is_new for outcome in outcomes),
    )


def _load(
    path: Path, target: Records, make: Callable[[bytes], Records], cache: RecordCache
) -> _Outcome:
    try:
        content = read_content(path)
        digest = digest_of(content)
        if cache.read_into(digest, target):
            return _Outcome(digest)
        target[:] = make(content)
        return _Outcome(digest, is_new=True)
    except UnreadableImageError as error:
        return _Outcome(reason=error.reason)
