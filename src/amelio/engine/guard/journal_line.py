"""One line of the journal: a checksum and a JSON object. Written by the guards too."""

import binascii
import errno
import json
import os
from typing import Any


def encode(entry: dict[str, Any]) -> bytes:
    """`entry` as one line with its CRC-32 in front."""
    text = json.dumps(entry, separators=(",", ":")).encode()
    return b"%08x %s\n" % (binascii.crc32(text), text)


def decode(line: bytes) -> dict[str, Any] | None:
    """The entry of a line, or None when the line is torn or damaged."""
    try:
        crc, text = line.split(b" ", 1)
        if int(crc, 16) != binascii.crc32(text):
            return None
        entry = json.loads(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def append(path: str, *entries: dict[str, Any], is_synced: bool = True) -> None:
    """Add entries and sync them. O_APPEND keeps lines of several writers whole; they do not go on
    where a torn line ends.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        end = os.lseek(handle, 0, os.SEEK_END)
        is_torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
        content = b"\n" * is_torn + b"".join(map(encode, entries))
        if os.write(handle, content) < len(content):  # what still went on a full disk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if is_synced:
            os.fsync(handle)
    finally:
        os.close(handle)


def sync(path: str) -> None:
    """Bring what was added without that to the disk."""
    handle = os.open(path, os.O_WRONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
