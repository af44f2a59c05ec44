"""Parameters and metrics of a repository as plain values."""

# Paths are strings here: they come from DVC.
# ruff: noqa: PTH113, PTH118

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from amelio.dvcio.run.stages import identify
from amelio.dvcio.translate import translated
from amelio.errors import InputError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage


def load_values(repo: "Repo", path: str) -> Any:
    """The content of a file in one of the formats that DVC reads; None where there is no file."""
    from dvc.utils.serialize import load_path

    if not os.path.isfile(path):
        return None
    with translated(InputError):
        return load_path(path, repo.fs)


def metric_files(repo: "Repo") -> Mapping[str, str]:
    """Every metrics file, relative to the root, with the id of the stage that makes it, or "".

    Those of a file's own `metrics:`, beside its stages, may lie in an output, as DVCLive's do.
    """
    found = {
        os.path.relpath(out.fs_path, repo.root_dir): identify(out.stage)
        for out in repo.index.metrics
        if out.protocol == "local"
    }
    for project_file, paths in repo.index._metrics.items():
        for name in paths:
            path = os.path.normpath(os.path.join(repo.root_dir, project_file, "..", name))
            out = repo.index.outs_trie.shortest_prefix(repo.fs.parts(path)).get()
            stage = identify(out.stage) if out else ""
            found.setdefault(os.path.relpath(path, repo.root_dir), stage)
    return found


def run_parameters(stages: Iterable[tuple["Stage", Sequence[Any]]]) -> Mapping[str, Any]:
    """The parameters of stages, by file; beside each stage what its dependencies hash to."""
    from dvc.dependency import ParamsDependency

    found: dict[str, dict[str, Any]] = {}
    for stage, hashes in stages:
        for dep, known in zip(stage.deps, hashes, strict=True):
            if isinstance(dep, ParamsDependency) and isinstance(known.value, dict):
                found.setdefault(str(dep), {}).update(known.value)
    return found
