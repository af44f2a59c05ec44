"""Which kinds of links work between two folders."""

import tempfile
from contextlib import suppress
from pathlib import Path

LINKS = ("reflink", "hardlink", "symlink")  # a copy always works


def working_links(cache: Path, workspace: Path) -> tuple[str, ...]:
    """The kinds of links from files in `workspace` to files in `cache` that work here.

    Both must exist and be writable; what is tried with is removed again.
    """
    from dvc.fs import LocalFileSystem
    from dvc_objects.fs.generic import test_links

    files = LocalFileSystem()
    with (
        tempfile.TemporaryDirectory(prefix=".amelio-links-", dir=workspace) as there,
        tempfile.TemporaryDirectory(prefix=".amelio-links-", dir=cache) as here,
        suppress(OSError),
    ):
        return tuple(test_links(list(LINKS), files, here, files, str(Path(there, "link"))))
    return ()
