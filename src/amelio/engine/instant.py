"""Answers "nothing to do" from a fingerprint of all that this depended on."""

# ruff: noqa: PTH116
import json
import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from amelio import __version__, fingerprint
from amelio.atomic import write_text

STATE_FOLDER = Path(".dvc", "tmp", "amelio")
FOLDER = "instant"
_ENTRIES_OF = "entries of "  # marks a folder of which only the list of names counts


def mark(path: str) -> str:
    """The fingerprint of a watched path; of `entries of FOLDER`, that of its names."""
    if not path.startswith(_ENTRIES_OF):
        return fingerprint.of_path(path)
    try:
        stat = os.stat(path.removeprefix(_ENTRIES_OF))
    except OSError:
        return fingerprint.MISSING
    return f"{stat.st_ino},{stat.st_mtime_ns}"


def entries_of(folder: str) -> str:
    """The watched path for a folder's list of names."""
    return _ENTRIES_OF + folder


def key(selecting: Sequence[str], targets: Sequence[str]) -> list[str]:
    """What the answer depends on beside files: the folder, the installation, the options that
    select, the targets.
    """
    return [str(Path.cwd()), sys.prefix, " ".join(sorted(set(selecting))), *targets]


def save(state: Path, key: Sequence[str], marks: Mapping[str, str], lines: Sequence[str]) -> None:
    """Remember that with `key` and `marks` there is nothing to do but say `lines`."""
    content = {"version": __version__, "key": list(key), "marks": marks, "lines": list(lines)}
    write_text(_path(state, key), json.dumps(content), is_synced=False)


def forget(state: Path) -> None:
    """Something is going to change."""
    for path in (state / FOLDER).glob("*.json"):
        path.unlink(missing_ok=True)


def answer(state: Path, key: Sequence[str]) -> list[str] | None:
    """What to say when nothing has changed since `save` with this key; None: look properly."""
    try:
        content = json.loads(_path(state, key).read_text(encoding="utf-8"))
        if content["version"] != __version__ or content["key"] != list(key):
            return None
        marks: dict[str, str] = content["marks"]
        if any(mark(path) != known for path, known in marks.items()):
            return None
        return [str(line) for line in content["lines"]]
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _path(state: Path, key: Sequence[str]) -> Path:
    return state / FOLDER / f"{sha256(json.dumps(list(key)).encode()).hexdigest()[:24]}.json"
