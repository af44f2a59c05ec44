"""Which images lie below a folder, and which of them may be read."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amelio.errors import InputError
from amelio.vision.data.images import is_image_name

# DVC may link files from its cache, where an object's name is its content's hash
_DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")


@dataclass(frozen=True)
class ImageFolder:
    """What lies below `root`, found by looking: symbolic links lead nowhere else.

    files: paths relative to `root`, with `/`, sorted
    ignored: files whose name is not an image's
    outside: links that leave `root` → where they lead
    """

    root: Path
    files: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    outside: dict[str, Path] = field(default_factory=dict)


def scan(root: Path) -> ImageFolder:
    """Look at every file below `root`; names that begin with a dot are passed over.

    Raises InputError when `root` is not a folder.
    """
    if not root.is_dir():
        raise InputError("no such folder of images", path=root, hint="dvc pull, if it is versioned")
    files, ignored, outside = [], [], {}
    real_root = root.resolve()
    for relative, is_link in _walk(root, ""):
        target = (root / relative).resolve() if is_link else None
        if target and not target.is_relative_to(real_root) and not _DVC_OBJECT.search(str(target)):
            outside[relative] = target
        elif is_image_name(relative):
            files.append(relative)
        else:
            ignored.append(relative)
    return ImageFolder(root, tuple(sorted(files)), tuple(sorted(ignored)), outside)


def lots_left_out(images: Path, predicted: Sequence[str], annotated: Sequence[str]) -> list[str]:
    """Folders below `images` with images that have no label and are not predicted either.

    predicted: names of lots; annotated: files below `images` that have a label
    """
    lots = {file.partition("/")[0] for file in set(scan(images).files).difference(annotated)}
    return sorted(lots.difference(predicted))


def same_name(name: str) -> str:
    """The form in which two names are equal that look equal: macOS writes é as two characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, bool]]:
    """Every file below `folder` and whether it is a link; linked folders are not entered."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            relative = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), relative + "/")
            else:
                yield relative, entry.is_symlink()
