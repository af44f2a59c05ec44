"""What was computed of files kept between runs, so that new ones are all that is computed.

Below the cache's folder stands one folder per way of computing, with a few large segment files: a
header, an index of (content digest, CRC of the record), and records of one size.
"""

import hashlib
import os
import re
import shutil
import struct
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from amelio.atomic import replacing
from amelio.vision.disk_space import room_for

DIGEST_BYTES = 16
MAX_SEGMENTS = 8  # more than this many are made into one
MAX_FOLDERS = 3  # ways of computing that are kept; the longest unused go first

_MAGIC = b"amelio.images/1\0"
_HEADER = struct.Struct("<16sQQI")  # magic, number of records, bytes of one, CRC of the index
_ENTRY = np.dtype([("digest", f"V{DIGEST_BYTES}"), ("crc", "<u4")])
_A_DAY_S = 86400
_FOLDER = re.compile(r"[\w-]+-\d+")

Records = NDArray[np.uint8]


def digest_of(content: bytes) -> bytes:
    """What identifies a file's content, whatever its name: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


@dataclass
class _Segment:
    file: BinaryIO
    path: Path
    digests: list[bytes]
    crcs: list[int]
    lock: threading.Lock = field(default_factory=threading.Lock)


class RecordCache:
    """Records, uint8 arrays of one shape, by the digest of the file that they come from.

    Damaged, foreign or half-written segments are passed over: their records are made again.
    """

    def __init__(self, folder: Path, name: str, record_bytes: int) -> None:
        """Open what `folder` holds for the way of computing `name`, which ends in -<number>."""
        self._root = folder
        self._folder = folder / name
        self._record_bytes = record_bytes
        self._segments: list[_Segment] = []
        self._places: dict[bytes, tuple[_Segment, int]] = {}
        self._is_damaged = False
        for path in sorted(self._folder.glob("*.seg")):
            self._open(path)

    def read_into(self, digest: bytes, target: Records) -> bool:
        """Fill `target`, of any shape, and tell whether the record was there and undamaged."""
        place = self._places.get(digest)
        if place is None:
            return False
        segment, index = place
        first = _HEADER.size + len(segment.digests) * _ENTRY.itemsize
        with segment.lock:
            segment.file.seek(first + index * self._record_bytes)
            n_read = segment.file.readinto(target.reshape(-1).data)  # type: ignore[attr-defined]
        if n_read == self._record_bytes and zlib.crc32(target.data) == segment.crcs[index]:
            return True
        self._is_damaged = True
        return False

    def add(self, records: Records, rows: list[int], digests: list[bytes]) -> None:
        """Keep `records[row]` for each of `rows`, under its digest, as one more segment.

        records: (N, …)

        Raises EnvironmentFailedError when the disk is full; the cache stays as it was.
        """
        distinct = dict(zip(digests, rows, strict=True))
        if not distinct:
            return
        index = np.array(
            [(digest, zlib.crc32(records[row].data)) for digest, row in distinct.items()],
            dtype=_ENTRY,
        )
        content = index.tobytes()
        header = _HEADER.pack(_MAGIC, len(index), self._record_bytes, zlib.crc32(content))
        path = self._folder / f"{digest_of(content).hex()}.seg"
        needed_bytes = len(header) + len(content) + len(index) * self._record_bytes
        with (
            room_for(path, needed_bytes),
            replacing(path) as temporary,
            temporary.open("wb") as file,
        ):
            file.write(header + content)
            for row in distinct.values():
                file.write(records[row].data)
        self._open(path)

    def tidy(self, records: Records, digests: list[bytes]) -> None:
        """Make many segments, or damaged ones, one that holds `records`, and drop old folders."""
        if len(self._segments) > MAX_SEGMENTS or self._is_damaged:
            old = list(self._segments)
            self.add(records, list(range(len(digests))), digests)
            for segment in old:
                if segment.path != self._segments[-1].path:
                    segment.path.unlink(missing_ok=True)
        for path in self._folder.glob(".*.tmp"):  # of a run that was killed while writing
            if time.time() - path.stat().st_mtime > _A_DAY_S:
                path.unlink(missing_ok=True)
        if self._folder.is_dir():
            os.utime(self._folder)
        others = [path for path in self._root.glob("*") if _FOLDER.fullmatch(path.name)]
        for path in sorted(others, key=lambda path: -path.stat().st_mtime_ns)[MAX_FOLDERS:]:
            shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """Close the segments."""
        for segment in self._segments:
            segment.file.close()

    def _open(self, path: Path) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:  # another run has just put it into a larger one
            return
        segment = self._index(file, path)
        if segment is None:
            file.close()
            path.unlink(missing_ok=True)
            return
        self._segments.append(segment)
        self._places |= {digest: (segment, i) for i, digest in enumerate(segment.digests)}

    def _index(self, file: BinaryIO, path: Path) -> _Segment | None:
        """The segment's index; None when the file is not whole."""
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return None
        magic, count, record_bytes, crc = _HEADER.unpack(head)
        expected = _HEADER.size + count * (_ENTRY.itemsize + record_bytes)
        if magic != _MAGIC or record_bytes != self._record_bytes or size != expected:
            return None
        content = file.read(count * _ENTRY.itemsize)
        if zlib.crc32(content) != crc:
            return None
        index = np.frombuffer(content, _ENTRY)
        return _Segment(file, path, [d.tobytes() for d in index["digest"]], index["crc"].tolist())
