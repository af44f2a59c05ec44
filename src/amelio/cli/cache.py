"""`amelio cache`."""

import sys
from pathlib import Path

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.cache.folder import CacheFolder, prepare_cache, stored_size
from amelio.dvcio.passthrough import act_as_dvc
from amelio.dvcio.project import dvc_root, present_cache
from amelio.insight.wording import size


def cache(words: list[str]) -> int:
    """DVC's; `cache dir PATH` makes the folder, and tries rights and links before it is set."""
    if words[1:2] != ["dir"]:
        return act_as_dvc(words)
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    root = dvc_root(Path())
    if arguments.value is None or arguments.unset or root is None:
        return act_as_dvc(words)
    before = present_cache(root)
    folder = prepare_cache(Path(arguments.value).absolute(), root)
    code = act_as_dvc(words)
    if code == 0 and not arguments.quiet:
        _tell(folder, before)
    return code


def _tell(folder: CacheFolder, before: Path) -> None:
    made = "made" if folder.was_made else "is there"
    print(f"{folder.path} {made}, can be written and read")
    links = ", ".join(folder.links) or "none"
    print(f"links to it that work here: {links}; copies always do")
    if folder.links:
        print(f"  use them: amelio config cache.type {','.join(folder.links)}")
    if folder.is_shared:
        print("  its group may write in it: amelio config cache.shared group")
    n_files, n_bytes = stored_size(before)
    if n_files and before != folder.path:
        print(
            f"{n_files} files ({size(n_bytes)}) are in the former cache only: "
            f"cp -a {before}/. {folder.path}/",
            file=sys.stderr,
        )
