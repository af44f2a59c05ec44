"""All metrics and parameters of the workspace, or as of a revision, whatever is wrong with some."""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.dvcio.repository import NO_REMOTE, open_repo
from amelio.dvcio.translate import explain, translated
from amelio.errors import InputError

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class Figures:
    """Metrics and parameters, each as file → content; paths are relative to the repository.

    problems: file → why it could not be read
    missing: files that are declared and not there
    params_files: those of the files that hold parameters
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    params_files: tuple[str, ...] = ()


def read_figures(root: Path, revision: str | None = None) -> Figures:
    """Everything that `dvc metrics show` and `dvc params show` would read.

    revision: a commit; None reads the workspace
    What neither workspace, Git nor cache have is missing: nothing is fetched (see figure_fetch).

    Raises InputError when the pipeline itself is not readable.
    """
    from dvc.repo.metrics.show import _gather_metrics
    from dvc.repo.params.show import _gather_params

    with (
        translated(InputError),
        open_repo(str(root), config=NO_REMOTE) as repo,
        _at(repo, revision),
    ):
        found = {"metrics": _gather_metrics(repo), "params": _gather_params(repo)}
    contents: dict[str, dict[str, Any]] = {"metrics": {}, "params": {}}
    problems: dict[str, str] = {}
    missing: list[str] = []
    for kind, files in found.items():
        for path, result in files.items():
            error = result.get("error")
            if error is None:
                contents[kind][path] = result["data"]
            elif isinstance(error, FileNotFoundError):
                missing.append(path)
            else:
                problems[path] = _in_words(error, path)
    return Figures(
        **contents,
        problems=problems,
        missing=tuple(missing),
        params_files=tuple(found["params"]),
    )


def _at(repo: "Repo", revision: str | None) -> Any:
    from dvc.repo.experiments.brancher import switch_repo

    return nullcontext() if revision is None else switch_repo(repo, revision)


def _in_words(error: BaseException, path: str) -> str:
    """What is wrong, and where in the file; the parser's own words stand in a cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, JSONDecodeError):
            return f"not valid JSON: line {cause.lineno}, column {cause.colno}: {cause.msg}"
        mark = getattr(cause, "problem_mark", None)
        if mark is not None:
            return f"not valid YAML: line {mark.line + 1}: {getattr(cause, 'problem', '')}"
        cause = cause.__cause__
    said = " ".join(explain(error).split())
    return re.sub(r"^unable to read: '[^']*', ", "", said).replace(f"'{path}'", "it")
