"""How many files of a folder changed since a stage last ran."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.atomic import write_bytes

if TYPE_CHECKING:
    from dvc.dependency import Dependency
    from dvc.stage import Stage
    from dvc_data.hashfile.tree import Tree

KEPT = 100


class Folders:
    """Lists of files by the hash of their folder: DVC keeps none of folders that are only read."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def remember(self, stage: "Stage") -> None:
        """Keep the lists of the folders that the stage has just read."""
        from dvc_data.hashfile.tree import Tree

        for dep in stage.deps:
            tree = getattr(dep, "obj", None)
            if isinstance(tree, Tree) and tree.oid:
                path = self._place / tree.oid
                if not path.exists() and not dep.cache.exists(tree.oid):
                    write_bytes(path, tree.as_bytes())
                    self._prune()

    def difference(self, dep: "Dependency", now: object) -> str:
        """`3 of 120 files: 2 added, 1 changed`; empty where one of the lists is not known.

        now: DVC's object of the folder as it is
        """
        from dvc_data.hashfile.tree import Tree

        old = self._old(dep)
        if old is None or not isinstance(now, Tree):
            return ""
        before = {key: found.value for key, _, found in old}
        after = {key: found.value for key, _, found in now}
        counts = {
            "added": len(after.keys() - before.keys()),
            "removed": len(before.keys() - after.keys()),
            "changed": sum(after[key] != before[key] for key in after.keys() & before.keys()),
        }
        told = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
        return f"{sum(counts.values())} of {len(before.keys() | after.keys())} files: {told}"

    def _old(self, dep: "Dependency") -> "Tree | None":
        from dvc_data.hashfile.tree import Tree
        from dvc_objects.errors import ObjectFormatError

        if not dep.hash_info or not dep.hash_info.isdir:
            return None
        try:
            path = self._place / str(dep.hash_info.value)
            if path.exists():
                found: Tree = Tree.from_list(json.loads(path.read_bytes()), dep.hash_name)
            else:
                found = Tree.load(dep.cache, dep.hash_info)
            return found
        except (OSError, ValueError, ObjectFormatError):
            return None

    def _prune(self) -> None:
        kept = sorted(self._place.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in kept[KEPT:]:
            path.unlink(missing_ok=True)


def status_and_object(dep: Any) -> tuple[dict[str, Any], object]:
    """`dep.status()`, and the object that DVC built for it and would throw away."""
    built: list[object] = []
    build = dep._build

    def keeping(*args: Any, **options: Any) -> Any:
        result = build(*args, **options)
        built.append(result[2])
        return result

    dep._build = keeping
    try:
        return dep.status(), built[-1] if built else None
    finally:
        del dep._build
