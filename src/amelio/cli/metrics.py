"""`amelio metrics`."""

import sys
from pathlib import Path

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.figures.figures import read_figures
from amelio.dvcio.git.named_revisions import require_revisions
from amelio.dvcio.passthrough import act_as_dvc
from amelio.dvcio.project import dvc_root
from amelio.redaction import one_line


def metrics(words: list[str]) -> int:
    """DVC's; `--show-md` is `--md`, an unknown revision is told with those that there are, and
    files that cannot be read are named.
    """
    words = _spelled(words)
    code = shown(words)
    if code == 0 and words[1:2] in (["show"], ["diff"]):
        _name_broken_files(words)
    return code


def _name_broken_files(words: list[str]) -> None:
    root, arguments = dvc_root(Path()), read_arguments(words)
    if root is None or arguments is None:
        return
    wanted = {Path(target).resolve() for target in arguments.targets or ()}
    found = read_figures(root)
    for path, problem in found.problems.items():
        is_wanted = not wanted or (root / path).resolve() in wanted
        if is_wanted and path not in found.params_files:
            print(f"amelio: {one_line(path)}: {one_line(problem, 400)}", file=sys.stderr)


def shown(words: list[str]) -> int:
    """Run `metrics` or `params` with the guide's spelling of `--md`."""
    words = _spelled(words)
    if "diff" in words[:2]:
        arguments = read_arguments(words)
        if arguments is None:
            return PARSER_ERROR
        require_revisions([arguments.a_rev, arguments.b_rev], Path())
    return act_as_dvc(words)


def _spelled(words: list[str]) -> list[str]:
    return ["--md" if word == "--show-md" else word for word in words]
