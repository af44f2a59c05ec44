"""Parameters of the workspace and of revisions, as `dvc params diff` collects them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amelio.dvcio.repository import open_repo
from amelio.errors import EnvironmentFailedError

WORKSPACE = "workspace"
MISSING = "-"


@dataclass(frozen=True)
class ShownParams:
    """values: revision → file → parameters as they stand in it; problems: files not readable."""

    values: dict[str, dict[str, Any]]
    problems: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Headers of the values: `Value` for the workspace alone, else the revisions."""
        return ("Value",) if list(self.values) == [WORKSPACE] else tuple(self.values)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """File, dotted name, and the value in each revision."""
        from dvc.utils.diff import format_dict
        from dvc.utils.flatten import flatten

        flat: dict[tuple[str, str], dict[str, str]] = {}
        for revision, files in self.values.items():
            for path, tree in files.items():
                for name, value in flatten(format_dict(tree)).items():
                    flat.setdefault((path, str(name)), {})[revision] = str(value)
        return [
            (*where, *(of_revision.get(name, MISSING) for name in self.values))
            for where, of_revision in flat.items()
        ]

    def records(self) -> dict[str, Any]:
        """The same shape as `dvc metrics show --json`."""
        return {
            revision: {"data": {path: {"data": tree} for path, tree in files.items()}}
            for revision, files in self.values.items()
        }


def show_params(
    revisions: Sequence[str] = (),
    *,
    targets: Sequence[str] = (),
    deps_only: bool = False,
    all_branches: bool = False,
    all_tags: bool = False,
    all_commits: bool = False,
) -> ShownParams:
    """All parameters of the project around the working directory, of the workspace by default.

    targets: files, relative to the working directory; deps_only: those that stages depend on

    Raises EnvironmentFailedError when DVC cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.logger import set_loggers_level

    try:
        with set_loggers_level(logging.CRITICAL), open_repo() as repo:
            found = repo.params.show(
                revs=list(revisions) or None,
                targets=[_from_root(repo, target) for target in targets] or None,
                deps_only=deps_only,
                all_branches=all_branches,
                all_tags=all_tags,
                all_commits=all_commits,
                hide_workspace=False,
            )
    except DvcException as error:
        raise EnvironmentFailedError(f"DVC cannot read the parameters: {error}") from error
    if revisions and WORKSPACE not in revisions:
        found.pop(WORKSPACE, None)
    asked = [name for name in revisions if name in found]
    return _shown({name or WORKSPACE: found[name] for name in dict.fromkeys([*asked, *found])})


def _shown(found: dict[str, Any]) -> ShownParams:
    problems = []
    values: dict[str, dict[str, Any]] = {}
    for revision, result in found.items():
        if "error" in result:
            problems.append(f"{revision}: {result['error']}")
        values[revision] = {}
        for path, one in result.get("data", {}).items():
            if "error" in one:
                problems.append(f"{path} of {revision} is not readable: {one['error']}")
            else:
                values[revision][path] = one["data"]
    return ShownParams(values, tuple(problems))


def _from_root(repo: Any, target: str) -> str:
    return str(repo.fs.relpath(repo.fs.abspath(target), repo.root_dir))
