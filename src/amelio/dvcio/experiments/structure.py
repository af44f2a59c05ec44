"""The shape of a pipeline: which files a snapshot is made of, and where their hashes stand.

Experiments of one baseline nearly always share it, so DVC is asked once and not a thousand times.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from amelio.dvcio.yaml.plain import NotPlainError, parse_plain_yaml

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

_EXPRESSION = re.compile(r"(?<!\\)\$\{\s*([^}]*?)\s*\}")
_DOTTED = re.compile(r"\w+(\.\w+)*")
_WITHOUT_SHAPE = frozenset(["cmd", "desc", "meta"])


@dataclass(frozen=True)
class Locked:
    """Where a `dvc.lock` has a hash: the file, the stage, `deps` or `outs`, and the path there."""

    lock: str
    stage: str
    section: str
    path: str


@dataclass(frozen=True)
class Entry:
    """A dependency or output.

    facts: its hash and size if they do not come from a lock file, and what never changes
    """

    path: str
    facts: Mapping[str, Any]
    locked: Locked | None


@dataclass(frozen=True)
class Structure:
    """params: the keys of each file, none for all of it; metrics: None for those that Git has."""

    params: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, Locked | None]
    deps: tuple[Entry, ...]
    outs: tuple[Entry, ...]

    def files(self) -> set[str]:
        """Those that a snapshot is read from, where Git has them."""
        of_git = {path for path, locked in self.metrics.items() if locked is None}
        entries = (entry.locked for entry in (*self.deps, *self.outs))
        return {*self.params, *of_git, *(locked.lock for locked in entries if locked)}


def learn(repo: "Repo", commit: str, *, only_deps: bool) -> Structure | None:
    """Ask DVC; None where a snapshot of this pipeline is more than files and lock entries.

    only_deps: of the parameters, those that stages depend on
    """
    from dvc.exceptions import DvcException

    try:
        with repo.switch(commit):
            return _learn(repo, only_deps)
    except DvcException:
        return None


def _learn(repo: "Repo", only_deps: bool) -> Structure | None:
    from dvc.repo.metrics.show import _collect_metrics
    from dvc.repo.params.show import _collect_params, _collect_vars

    params = _collect_params(repo, deps_only=only_deps, default_file="params.yaml")
    metrics = _collect_metrics(repo)
    if not _are_files(repo, [*params, *metrics]) or _collect_vars(repo, _unrooted(repo, params)):
        return None
    outs = list(repo.index.outs)
    cached = {_shown(repo, out): _locked(repo, out, "outs") for out in outs if out.use_cache}
    return Structure(
        {path: tuple(keys) for path, keys in _unrooted(repo, params).items()},
        {path: cached.get(path) for path in _unrooted(repo, {key: [] for key in metrics})},
        tuple(_entry(repo, dep, "deps") for dep in repo.index.deps if _is_plain(dep)),
        tuple(_entry(repo, out, "outs") for out in outs if not (out.is_metric or out.is_plot)),
    )


def _unrooted(repo: "Repo", paths: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {path.lstrip(repo.dvcfs.root_marker): keys for path, keys in paths.items()}


def _are_files(repo: "Repo", paths: list[str]) -> bool:
    """Whether none of `paths` comes from a declared folder, whose files may vary."""
    declared = {
        repo.dvcfs.from_os_path(_shown(repo, item))
        for item in chain(repo.index.metrics, repo.index.params)
    }
    for file, some in chain(repo.index._metrics.items(), repo.index._params.items()):
        folder = repo.fs.relpath(repo.fs.parent(file), repo.root_dir)
        declared |= {repo.fs.normpath(repo.fs.join(folder, path)) for path in some}
    return {path.lstrip(repo.dvcfs.root_marker) for path in paths} <= {*declared, "params.yaml"}


def _is_plain(dep: Any) -> bool:
    from dvc.dependency import (
        DatasetDependency,
        DbDependency,
        ParamsDependency,
        RepoDependency,
    )

    return not isinstance(dep, ParamsDependency | RepoDependency | DatasetDependency | DbDependency)


def _entry(repo: "Repo", item: "Output", section: str) -> Entry:
    facts: dict[str, Any] = {
        "hash": item.hash_info.value if item.hash_info else None,
        "size": item.meta.size if item.meta else None,
        "nfiles": item.meta.nfiles if item.meta else None,
    }
    if section == "outs":
        facts["use_cache"] = item.use_cache
        facts["is_data_source"] = item.stage.is_data_source
    return Entry(_shown(repo, item), facts, _locked(repo, item, section))


def _locked(repo: "Repo", item: "Output", section: str) -> Locked | None:
    from dvc.dvcfile import LOCK_FILE
    from dvc.stage import PipelineStage
    from dvc.utils import relpath

    if not isinstance(item.stage, PipelineStage):
        return None
    folder = relpath(repo.fs.parent(item.stage.path), repo.root_dir)
    lock = LOCK_FILE if folder == "." else f"{folder}/{LOCK_FILE}"
    return Locked(lock, item.stage.name, section, item.def_path)


def _shown(repo: "Repo", item: "Output") -> str:
    from dvc.utils import relpath

    return str(relpath(item.fs_path, repo.root_dir))


def expressions(pipeline: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """What `${…}` in a `dvc.yaml` looks up in params.yaml: to shape the pipeline, and in commands.

    None where that is not all: it reads other variables, or only DVC can read it.
    """
    if "${" not in pipeline:
        return frozenset(), frozenset()
    try:
        data = parse_plain_yaml(pipeline)
    except NotPlainError:
        return None
    if not isinstance(data, dict) or "vars" in set(_keys(data)):
        return None
    shaping = frozenset(_found(_texts(data, _WITHOUT_SHAPE)))
    return shaping, frozenset(_found(_texts(data, frozenset()))) - shaping


def _found(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        for name in _EXPRESSION.findall(text):
            yield name if _DOTTED.fullmatch(name) else re.split(r"\W", name, maxsplit=1)[0]


def _keys(data: Any) -> Iterator[str]:
    for value in data.values() if isinstance(data, dict) else data:
        if isinstance(value, dict | list):
            yield from _keys(value)
    if isinstance(data, dict):
        yield from map(str, data)


def _texts(data: Any, without: frozenset[str]) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, without)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            if key not in without:
                yield from _texts(value, without)
