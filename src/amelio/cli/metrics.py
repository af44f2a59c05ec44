"""`amelio metrics`."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amelio.cli.exp_text import value_text
from amelio.cli.pager import page
from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.figures.figures import Figures, read_figures
from amelio.dvcio.git.named_revisions import require_revisions
from amelio.dvcio.passthrough import act_as_dvc
from amelio.dvcio.project import dvc_root
from amelio.experiments.table import flat
from amelio.redaction import one_line, printable

DIGITS = 5
_TABLES = ("json", "markdown", "all_branches", "all_tags", "all_commits", "recursive")


def metrics(words: list[str]) -> int:
    """DVC's; `--show-md` is `--md`, an unknown revision is told with those that there are, files
    that cannot be read are named, and a terminal has a metric a line.
    """
    words = _spelled(words)
    if words[1:2] == ["show"] and sys.stdout.isatty():
        arguments = read_arguments(words)
        if arguments is None:
            return PARSER_ERROR
        if _show_lines(arguments):
            return 0
    code = shown(words)
    if code == 0 and words[1:2] in (["show"], ["diff"]):
        _name_broken_files(words)
    return code


def _show_lines(arguments: Namespace) -> bool:
    """Where DVC's table would have a column for each metric of any file; whether it would, of
    files that are all there.
    """
    root = dvc_root(Path())
    if root is None or any(getattr(arguments, name) for name in _TABLES):
        return False
    found = read_figures(root)
    chosen = {
        root / path: content
        for path, content in found.metrics.items()
        if _is_wanted(root / path, arguments)
    }
    if not chosen or found.missing or len(chosen) < len(arguments.targets):
        return False
    digits = arguments.precision or DIGITS
    page("\n".join(line for file in chosen.items() for line in _file_lines(*file, digits)))
    _tell_problems(root, found, arguments)
    return True


def _file_lines(path: Path, content: Any, digits: int) -> Iterator[str]:
    rows = flat(content if isinstance(content, dict) else {"": content})
    width = max(map(len, rows), default=0)
    yield printable(os.path.relpath(path))
    for name, value in rows.items():
        yield printable(f"  {name:<{width}}  {value_text(value, digits)}")


def _name_broken_files(words: list[str]) -> None:
    root, arguments = dvc_root(Path()), read_arguments(words)
    if root is not None and arguments is not None:
        _tell_problems(root, read_figures(root), arguments)


def _tell_problems(root: Path, found: Figures, arguments: Namespace) -> None:
    for path, problem in found.problems.items():
        if path not in found.params_files and _is_wanted(root / path, arguments):
            print(f"amelio: {one_line(path)}: {one_line(problem, 400)}", file=sys.stderr)


def _is_wanted(path: Path, arguments: Namespace) -> bool:
    wanted = {Path(target).resolve() for target in arguments.targets or ()}
    return not wanted or path.resolve() in wanted


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
