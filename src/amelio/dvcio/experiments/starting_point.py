"""What experiments start from: a commit of the user's tracked and staged files as they are now."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from amelio.dvcio.git.plumbing import LITERALLY, NOBODY, plumb, succeeds
from amelio.errors import EnvironmentFailedError, InputError

REFS = "refs/amelio"
SUBMODULE = "160000"  # Git's mode of its entry


@dataclass(frozen=True)
class Place:
    """Where a working directory stands in Git.

    top: of the working tree
    head: the commit that is checked out, in full
    index: the file of the index
    """

    top: Path
    head: str
    index: Path


def find_place(folder: Path) -> Place:
    """Raises InputError without Git, without a first commit, or in the middle of a merge."""
    try:
        top = Path(plumb(["rev-parse", "--show-toplevel"], folder))
    except EnvironmentFailedError as error:
        raise InputError(
            "experiments need a Git repository", hint="`git init`, and commit what there is"
        ) from error
    if not succeeds(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], folder):
        raise InputError(
            "experiments need a first commit, to be compared with",
            hint="`git add .` and `git commit`, then run again",
        )
    head, index = plumb(["rev-parse", "HEAD", "--git-path", "index"], top).splitlines()
    unmerged = plumb(["diff", "--name-only", "--diff-filter=U"], top).splitlines()
    if unmerged:
        raise InputError(
            f"a merge is not finished: {', '.join(unmerged)}",
            hint="resolve it, `git add` the files, and run again",
        )
    return Place(top, head, top / index)


def take(place: Place, untracked: Sequence[Path], written: Mapping[Path, str]) -> str:
    """Commit tracked files as they are on the disk and staged ones, plus `untracked`; its hash.

    Nothing of the user's changes: it happens in a copy of the index, and no branch points to it.

    written: texts that the commit has in place of what is on the disk
    """
    with tempfile.TemporaryDirectory(prefix="amelio-index-") as folder:
        copy = Path(folder) / "index"
        index = {"GIT_INDEX_FILE": str(copy)}
        if place.index.exists():
            shutil.copyfile(place.index, copy)
        else:
            plumb(["read-tree", "HEAD"], place.top, index)
        plumb(["add", "--update", "."], place.top, index)
        if untracked:
            words = [LITERALLY, "add", "--force", "--", *map(str, untracked)]
            plumb(words, place.top, index)
        for path, text in written.items():
            blob = plumb(["hash-object", "-w", "--stdin"], place.top, given=text)
            entry = f"100644,{blob},{path.relative_to(place.top)}"
            plumb(["update-index", "--add", "--cacheinfo", entry], place.top, index)
        tree = plumb(["write-tree"], place.top, index)
    message = "amelio: what queued experiments start from"
    return plumb(["commit-tree", tree, "-p", place.head, "-m", message], place.top, NOBODY)


def keep(top: Path, root: Path, commit: str) -> None:
    """Let Git not collect the snapshot as garbage while experiments of `root` need it."""
    plumb(["update-ref", f"{_namespace(root)}/{commit}", commit], top)


def drop_all_but(top: Path, root: Path, needed: set[str]) -> None:
    """Let Git collect the snapshots that nothing in the DVC repository `root` needs.

    What fails because another command does the same now is left to the next one.
    """
    prefix = _namespace(root)
    found = plumb(["for-each-ref", "--format=%(refname)", prefix], top).splitlines()
    lost = [ref for ref in found if ref.rpartition("/")[2] not in needed]
    if lost:
        with suppress(EnvironmentFailedError):
            plumb(["update-ref", "--stdin"], top, given="".join(f"delete {ref}\n" for ref in lost))


def _namespace(root: Path) -> str:
    """Of one DVC repository: several may be in one Git repository, or in worktrees of it."""
    return f"{REFS}/{sha256(str(root).encode()).hexdigest()[:12]}"


def tracked(commit: str, paths: Sequence[str], top: Path) -> set[str]:
    """Which of `paths` (relative to the top) are, or hold, files of the commit; no submodules."""
    if not paths:
        return set()
    found = plumb(["ls-tree", "-z", commit, "--", *paths], top).split("\0")
    entries = (entry.partition("\t") for entry in found if entry)
    return {name for facts, _, name in entries if not facts.startswith(SUBMODULE)}


def untracked(folders: Sequence[str], top: Path) -> list[str]:
    """New files in `folders` (relative to the top) that Git neither has nor ignores."""
    if not folders:
        return []
    words = [LITERALLY, "ls-files", "-z", "--others", "--exclude-standard", "--", *folders]
    return sorted(set(plumb(words, top).split("\0")) - {""})
