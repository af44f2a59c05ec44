"""Cheap fingerprints of files and folders: names, inodes, sizes and times, never contents."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH116

import hashlib
import os
import stat as stat_flags

MISSING = "-"


def of_stat(stat: os.stat_result) -> str:
    """Inode, size, mtime and ctime: ctime betrays an edit that kept the size and put the mtime
    back.
    """
    return f"{stat.st_ino},{stat.st_size},{stat.st_mtime_ns},{stat.st_ctime_ns}"


def of_path(path: str) -> str:
    """Fingerprint of a file, a link's target, or everything in a folder; MISSING where there is
    none.

    A folder's own times are left out: they change when an ignored file comes and goes.
    """
    try:
        stat = os.stat(path)
    except OSError:
        return MISSING
    if not stat_flags.S_ISDIR(stat.st_mode):
        return of_stat(stat)
    digest = hashlib.blake2b(digest_size=16)
    _add_folder(path, digest)
    return "d" + digest.hexdigest()


def _add_folder(path: str, digest: "hashlib.blake2b") -> None:
    lines = []
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir():
                folders.append(entry.name)
                continue
            try:
                lines.append(f"{entry.name}\0{of_stat(entry.stat())}")
            except OSError:  # a link that leads nowhere
                lines.append(f"{entry.name}\0{MISSING}")
    lines.sort()
    digest.update("\n".join(lines).encode(errors="surrogateescape"))
    for name in sorted(folders):
        digest.update(f"\n/{name}\n".encode(errors="surrogateescape"))
        _add_folder(f"{path}/{name}", digest)
