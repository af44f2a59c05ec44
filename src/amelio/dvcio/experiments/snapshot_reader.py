"""Snapshots of many commits: DVC is asked for the pipeline's shape, Git for the files."""

import io
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from amelio.dvcio.experiments.snapshots import Snapshot, SnapshotCache, from_dvc
from amelio.dvcio.experiments.structure import Locked, Structure, expressions, learn
from amelio.dvcio.git.commit_files import CommitFiles, OnlyDvcError
from amelio.dvcio.git.objects import GitObjects, Tree
from amelio.dvcio.yaml.plain import NotPlainError, parse_plain_yaml
from amelio.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class Commit:
    """id: its hash; tree: that of its root folder; time_s: seconds since 1970, of the committer"""

    id: str
    tree: str
    time_s: int
    parents: tuple[str, ...]


def commits(folder: Path, ids: Sequence[str]) -> dict[str, Commit]:
    """Commits by their id, of one `git log`."""
    if not ids:
        return {}
    done = subprocess.run(
        ["git", "log", "--no-walk=unsorted", "--stdin", "--format=%H %T %ct %P"],
        cwd=folder,
        input="\n".join(ids),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise EnvironmentFailedError(f"Git cannot read the experiments: {done.stderr.strip()}")
    rows = [line.split() for line in done.stdout.splitlines() if line]
    return {row[0]: Commit(row[0], row[1], int(row[2]), tuple(row[3:])) for row in rows}


class SnapshotReader:
    """Reads snapshots: from DVC's cache, else from Git, else by DVC itself.

    only_deps: of the parameters, those that stages depend on; never from the cache
    is_fresh: do not look into the cache
    """

    def __init__(
        self, repo: "Repo", objects: GitObjects, *, only_deps: bool, is_fresh: bool
    ) -> None:
        self._repo = repo
        self._objects = objects
        self._only_deps = only_deps
        self._cache = SnapshotCache(Path(repo.tmp_dir))
        self._reads_cache = not (only_deps or is_fresh)
        self._shapes: dict[Any, Structure | None] = {}
        self._contents: dict[tuple[str, str], Any] = {}

    def read(self, wanted: Sequence[Commit]) -> dict[str, Snapshot]:
        """The snapshots of `wanted`, by commit."""
        found: dict[str, Snapshot] = {}
        for commit in wanted if self._reads_cache else ():
            if (snapshot := self._cache.get(commit.id)) is not None:
                found[commit.id] = snapshot
        missing = [commit for commit in wanted if commit.id not in found]
        self._fetch(missing)
        for commit in missing:
            found[commit.id] = self._read(commit)
        return found

    def _fetch(self, wanted: Sequence[Commit]) -> None:
        """Have Git send at once what the first one needs of all."""
        try:
            self._objects.trees(commit.tree for commit in wanted)
            everyone = [CommitFiles(self._objects, self._root(commit)) for commit in wanted]
            shape = self._shape(wanted[0], everyone[0]) if len(wanted) > 1 else None
            paths = shape.files() if shape else ()
            found = (files.id(path) for files in everyone for path in paths)
            self._objects.blobs(oid for oid in found if oid)
        except (OnlyDvcError, NotPlainError, EnvironmentFailedError):
            return  # it will be found out again where it can be told of one commit

    def _read(self, commit: Commit) -> Snapshot:
        try:
            snapshot = self._from_git(commit)
        except (OnlyDvcError, NotPlainError, EnvironmentFailedError):
            return self._by_dvc(commit)
        if not self._only_deps:
            self._cache.put(snapshot)
        return snapshot

    def _by_dvc(self, commit: Commit) -> Snapshot:
        from dvc.repo.experiments.collect import collect_rev

        # with `force` DVC reads again what it has just been found not to have
        return from_dvc(
            collect_rev(
                self._repo, commit.id, param_deps=self._only_deps, force=not self._reads_cache
            )
        )

    def _from_git(self, commit: Commit) -> Snapshot:
        files = CommitFiles(self._objects, self._root(commit))
        shape = self._shape(commit, files)
        if shape is None or (
            "params.yaml" not in shape.params and not self._only_deps and files.id("params.yaml")
        ):
            raise OnlyDvcError
        return Snapshot(
            commit.id,
            datetime.fromtimestamp(commit.time_s),  # without a time zone, as DVC has it
            {
                path: {"data": self._parameters(files, path, keys)}
                for path, keys in shape.params.items()
            },
            {
                path: {"data": self._metrics(files, path, locked)}
                for path, locked in shape.metrics.items()
            },
            {entry.path: files.facts(entry) for entry in shape.deps},
            {entry.path: files.facts(entry) for entry in shape.outs},
        )

    def _root(self, commit: Commit) -> Tree:
        trees = self._objects.trees([commit.tree])
        tree = trees[commit.tree]
        for name in self._inside:
            if name not in tree.folders:
                raise OnlyDvcError
            tree = trees[tree.folders[name]]
        return tree

    @cached_property
    def _inside(self) -> tuple[str, ...]:
        """Where DVC's root is within Git's."""
        from dvc.utils import relpath

        inside = relpath(self._repo.root_dir, self._repo.scm.root_dir)
        return PurePosixPath(Path(inside).as_posix()).parts

    def _shape(self, commit: Commit, files: CommitFiles) -> Structure | None:
        key = self._shape_key(commit, files)
        if key not in self._shapes:
            self._shapes[key] = learn(self._repo, commit.id, only_deps=self._only_deps)
        return self._shapes[key]

    def _shape_key(self, commit: Commit, files: CommitFiles) -> Any:
        """Equal for commits whose pipelines have the same shape."""
        shaping = tuple(files.shaping())
        values: list[Any] = []
        for path, oid in shaping:
            if PurePosixPath(path).name != "dvc.yaml":
                continue
            names = _expressions(self._objects.blobs([oid])[oid])
            if names is None:
                return commit.tree
            if any(names):
                beside = (PurePosixPath(path).parent / "params.yaml").as_posix()
                values.append(self._looked_up(files, beside, *names))
        return shaping, json.dumps(values, sort_keys=True, default=str)

    def _looked_up(
        self, files: CommitFiles, path: str, shaping: frozenset[str], other: frozenset[str]
    ) -> list[Any]:
        data = self._parameters(files, path, ()) if files.id(path) else {}
        found = [[name, *_lookup(data, name)] for name in sorted(shaping)]
        return found + [[name, bool(_lookup(data, name))] for name in sorted(other)]

    def _parameters(self, files: CommitFiles, path: str, keys: tuple[str, ...]) -> Any:
        from dvc.dependency.param import read_param_file

        oid = files.id(path)
        if oid is None:
            raise OnlyDvcError
        if (oid, path) not in self._contents:
            text = files.text(oid)
            if not keys and PurePosixPath(path).suffix.lower() in (".yaml", ".yml"):
                content = parse_plain_yaml(text)
            else:
                with _only_dvc():
                    content = read_param_file(_OneFile(text), path, list(keys))
            self._contents[oid, path] = content
        return self._contents[oid, path]

    def _metrics(self, files: CommitFiles, path: str, locked: Locked | None) -> Any:
        from dvc.repo.metrics.show import _extract_metrics, _read_metric

        oid = files.locked(locked).get("md5") if locked else files.id(path)
        if not oid:
            raise OnlyDvcError
        if (oid, path) not in self._contents:
            text = self._cached_text(oid) if locked else files.text(oid)
            suffix = PurePosixPath(path).suffix.lower()
            if suffix in (".yaml", ".yml"):
                content = _extract_metrics(parse_plain_yaml(text), path) or {}
            else:
                with _only_dvc():
                    if suffix == ".json":
                        content = _extract_metrics(json.loads(text) or {}, path) or {}
                    else:
                        content = _read_metric(_OneFile(text), path)
            self._contents[oid, path] = content
        return self._contents[oid, path]

    def _cached_text(self, oid: str) -> str:
        try:
            path = Path(self._repo.cache.local.oid_to_path(oid))
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OnlyDvcError from error


class _only_dvc:  # noqa: N801 (reads as a statement)
    """What DVC cannot read it shall tell of itself, in its own words."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        if isinstance(error, Exception):
            raise OnlyDvcError from error


class _OneFile:
    """As much of a file system as DVC's readers need for one file."""

    def __init__(self, text: str) -> None:
        self._text = text

    def suffix(self, path: str) -> str:
        """Of any path."""
        return PurePosixPath(path).suffix

    def open(self, _path: str, encoding: str) -> io.StringIO:
        """The file."""
        assert encoding == "utf-8"
        return io.StringIO(self._text)


@lru_cache(maxsize=100)
def _expressions(pipeline: bytes) -> tuple[frozenset[str], frozenset[str]] | None:
    return expressions(pipeline.decode(errors="replace"))


def _lookup(data: Any, dotted: str) -> list[Any]:
    """The value in a list; an empty one where there is none."""
    for key in dotted.split("."):
        if not isinstance(data, dict) or key not in data:
            return []
        data = data[key]
    return [data]
