"""A DVC repository as the engine's `Workspace`. Everything here runs in one thread."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH110, PTH118, PTH120

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio import faults
from amelio.dvcio import commands, judge, outputs, runcache, watch
from amelio.dvcio.ignores import IgnoreOrder, newly_ignored
from amelio.dvcio.lockfile import LockFileReader, LockFileWriter, dumps
from amelio.dvcio.passthrough import stage_environment
from amelio.dvcio.pathlocks import PathLocks, repository_lock
from amelio.dvcio.selection import select
from amelio.dvcio.translate import stage_translated, suggesting, translated
from amelio.dvcio.trust import Trust
from amelio.dvcio.version import require_known_dvc
from amelio.errors import InputError, StageFailedError
from amelio.model import (
    OutputFact,
    OutputPath,
    Policy,
    Selection,
    Stage,
    StageKind,
    Task,
    Verdict,
    Watched,
)

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage as DvcStage

logger = logging.getLogger(__name__)


class DvcWorkspace:
    """Implements `model.Workspace` with DVC's own objects, loaded once for a run.

    run_env: added to every command's environment
    is_quiet: without DVC's advice on what to add to Git
    """

    def __init__(
        self, repo: "Repo", run_env: Mapping[str, str] | None = None, *, is_quiet: bool = False
    ) -> None:
        self.repo = repo
        self._is_quiet = is_quiet
        self._run_env = dict(run_env or {})
        self._stages: dict[str, DvcStage] = {}
        self._ranks: dict[str, int] = {}
        self._upstream: dict[str, list[DvcStage]] = {}
        self._found: dict[str, DvcStage] = {}
        self._writers: dict[str, LockFileWriter] = {}
        self._readers: dict[str, LockFileReader] = {}
        self._path_locks = PathLocks(repo)
        self._ignores = IgnoreOrder(repo)
        self._branch = _branch(self.root)
        self._planned_ns = 0
        self._is_shared = False
        self._trust = Trust(repo.state, Path(repo.tmp_dir) / "amelio" / "trusted.json")

    @property
    def root(self) -> Path:
        """The repository's root."""
        return Path(self.repo.root_dir)

    @property
    def asks_before_stages(self) -> bool:
        """DVC's `core.interactive`."""
        return bool(self.repo.config["core"].get("interactive", False))

    def dvc_stage(self, stage: str) -> "DvcStage":
        """DVC's object behind a stage's id."""
        return self._stages[stage]

    @contextmanager
    def session(self, *, is_dry: bool = False) -> Iterator[None]:
        """Around a whole run: collects the files to be added to Git, and gives all locks back at
        the end.

        is_dry: leaves nothing behind
        """
        with (
            translated(),
            self.repo.scm_context(quiet=self._is_quiet),
            outputs.links_kept_open(self.repo),
        ):
            try:
                yield
            finally:
                self._give_all_back()
                if not is_dry:
                    self._trust.save()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the repository lock. What other programs recorded meanwhile is read again on the way
        in.
        """
        with translated(), repository_lock(self.repo):
            yield
            self._path_locks.sweep()

    def plan(self, selection: Selection) -> Sequence[Stage]:
        """The stages in serial order. Raises InputError for what is wrong in `dvc.yaml` or the
        selection.
        """
        self._planned_ns = time.time_ns()
        with translated(InputError), suggesting(self.repo):
            stages, graph = select(self.repo, selection)
        planned = {stage: _identify(stage) for stage in stages}
        self._ranks = {key: rank for rank, key in enumerate(planned.values())}
        self._stages = {key: stage for stage, key in planned.items()}
        self._upstream = {
            key: list(graph.successors(stage)) if graph and stage in graph else []
            for stage, key in planned.items()
        }
        for path in {stage.path for stage in stages if hasattr(stage, "name")}:
            self._readers[path] = LockFileReader(_lock_path(path))
        return [self._describe(key, planned) for key in self._stages]

    def judge(self, stage: str, policy: Policy) -> Verdict:
        """All reasons for which DVC would run the stage."""
        with stage_translated():
            self._trust.check(_local_paths(self._stages[stage]))
            return judge.judge(
                self._stages[stage],
                self._upstream[stage],
                lambda: self._entry(self._stages[stage]),
                allow_missing=policy.allow_missing,
            )

    def refresh(self, stages: Sequence[str]) -> None:
        """Read the lock entries of `stages` again where another program wrote the lock file."""
        changed = [path for path, reader in self._readers.items() if not reader.is_current]
        self._is_shared |= bool(changed)
        for path in changed:
            self._readers[path] = LockFileReader(_lock_path(path))
        for key in stages if changed else ():
            if self._stages[key].path in changed:
                self._reload(self._stages[key])

    def pull(self, stage: str) -> bool:
        """As `dvc repro --pull` for a stage that lacks nothing but data."""
        from dvc.exceptions import CheckoutError

        found = self._stages[stage]
        with stage_translated():
            try:
                self.repo.pull(found.addressing)
                found.checkout()
            except CheckoutError:
                return False
        return True

    def claim(self, stage: str) -> None:
        """Take DVC's path locks of the stage. Raises BusyError."""
        with stage_translated():
            self._path_locks.take(stage, self._stages[stage])

    def release(self, stage: str) -> None:
        """Give the path locks back."""
        self._path_locks.give_back(stage)

    def _give_all_back(self) -> None:
        self._path_locks.give_all_back()

    def is_cached(self, stage: str, policy: Policy) -> bool:
        """Whether the run cache serves the stage; remembers what it found for `restore`."""
        found = self._stages[stage]
        with stage_translated():
            if policy.pull:
                commands.pull_missing_deps(found)
            hit = runcache.find(found, run_cache=policy.run_cache, pull=policy.pull)
        if hit is None:
            return False
        self._found[stage] = hit
        return True

    def restore(self, stage: str, policy: Policy) -> list[OutputFact]:
        """Check out what `is_cached` found, and record it."""
        found = self._stages[stage]
        looked_up = [dep.hash_info for dep in found.deps]
        with stage_translated():
            self._found.pop(stage).checkout()
            found.save_deps()
        if [dep.hash_info for dep in found.deps] != looked_up:
            raise StageFailedError("inputs changed while its outputs were restored; run again")
        return self.record(stage, policy, lambda _: None)

    def prepare(self, stage: str, policy: Policy) -> Task:
        """Hash the inputs as they are now; that is what the lock entry will say."""
        found = self._stages[stage]
        with stage_translated():
            found.save_deps(allow_missing=policy.force)
            for out in found.outs:
                if out.persist:
                    out.unprotect()
            argv, shown, env, unset = commands.prepare(found, self._run_env)
        return Task(
            stage=stage,
            commands=argv,
            shown=shown,
            cwd=Path(found.wdir),
            env=env,
            unset=unset,
            signature=_signature(found),
        )

    def changed_inputs(self, stage: str, paths: Sequence[str]) -> list[str]:
        """Which dependencies differ in content from what `prepare` hashed. Remote ones are always
        asked.
        """
        touched = set(paths)
        self._trust.check(paths)
        changed = []
        with stage_translated():
            for dep in self._stages[stage].deps:
                if dep.protocol == "local" and dep.fs_path not in touched:
                    continue
                if not dep.hash_info:  # missing before a forced run: taken afterwards, as DVC does
                    dep.save()
                elif dep.changed_checksum():
                    changed.append(str(dep))
        if self._branch != _branch(self.root):
            changed.append(f"the Git branch ({self._branch})")
        return changed

    def record(
        self, stage: str, policy: Policy, note: Callable[[Mapping[str, str]], None]
    ) -> list[OutputFact]:
        """Hash the outputs, store them in the cache, remember the run, queue the lock entry."""
        found = self._stages[stage]
        n_ignored = len(self.repo.scm_context.ignored_paths)
        with stage_translated():
            self._ignores.look_again(out.fs_path for out in found.outs if out.use_scm_ignore)
            outputs.save(
                found, note, no_commit=policy.no_commit, allow_missing=policy.allow_missing
            )
            found.md5 = found.compute_md5()
            faults.reach("commit.after_cache")
            if not policy.no_commit and all(
                out.use_cache or out.is_metric or out.is_plot for out in found.outs
            ):
                self.repo.stage_cache.save(found)
            self._ignores.added(newly_ignored(self.repo, n_ignored), self._ranks[stage])
            self._queue(found)
        self._trust.note(out.fs_path for out in found.outs if _is_local(out))
        return self.facts(stage)

    def output_hashes(self, stage: str) -> Mapping[str, str]:
        """What the outputs that are there hash to."""
        with stage_translated():
            self._trust.check(_local_paths(self._stages[stage]))
            return {
                out.fs_path: str(out.get_hash().value)
                for out in self._stages[stage].outs
                if out.exists
            }

    def run_internal(self, stage: str, policy: Policy) -> list[OutputFact]:
        """Let DVC do an import or check a data source, and record it."""
        found = self._stages[stage]
        n_ignored = len(self.repo.scm_context.ignored_paths)
        if found.frozen and not found.is_import:
            logger.warning("%s is frozen. Its dependencies are not going to be reproduced.", found)
        with stage_translated():
            found.run(
                force=policy.force,
                no_commit=policy.no_commit,
                allow_missing=policy.allow_missing,
                pull=policy.pull,
                run_cache=policy.run_cache,
            )
            self._ignores.added(newly_ignored(self.repo, n_ignored), self._ranks[stage])
            self._queue(found)
        return self.facts(stage)

    def flush(self) -> None:
        """Write all queued lock entries."""
        with translated():
            for path, writer in self._writers.items():
                if writer.flush():
                    self.repo.scm_context.track_file(os.path.relpath(writer.path))
                self._readers[path].note_own_write()

    def facts(self, stage: str) -> list[OutputFact]:
        """The stage's outputs as last recorded."""
        return [
            OutputFact(
                path=str(out),
                hash=str(out.hash_info.value) if out.hash_info else None,
                size_bytes=out.meta.size,
                n_files=out.meta.nfiles,
            )
            for out in self._stages[stage].outs
        ]

    def parameters(self, stage: str) -> Mapping[str, Any]:
        """`params.yaml` beside the stage's `dvc.yaml`."""
        path = os.path.join(os.path.dirname(self._stages[stage].path), "params.yaml")
        return self._load(path) or {}

    def metric_files(self) -> Mapping[str, str]:
        """Every metrics output of every stage."""
        return {
            os.path.relpath(out.fs_path, self.repo.root_dir): _identify(out.stage)
            for out in self.repo.index.metrics
            if out.protocol == "local"
        }

    def read_metric(self, path: str) -> Any:
        """A metrics file's content, None without the file."""
        return self._load(os.path.join(self.repo.root_dir, path))

    def _load(self, path: str) -> Any:
        from dvc.utils.serialize import load_path

        if not os.path.exists(path):
            return None
        with translated(InputError):
            return load_path(path, self.repo.fs)

    def probe_environment(self) -> Mapping[str, str]:
        """The search path of stages, and the root."""
        return {
            "PATH": stage_environment()["PATH"],
            "DVC_ROOT": self.repo.root_dir,
            **self._run_env,
        }

    def input_signature(self, stage: str) -> str:
        """Hash of command, dependencies and parameters as they are in the workspace."""
        found = self._stages[stage]
        parts = [str(found.cmd)]
        with stage_translated():
            parts += sorted(
                f"{dep.def_path}={dep.get_hash() if dep.exists else None!r}" for dep in found.deps
            )
        return sha256(repr(parts).encode()).hexdigest()

    def is_stored(self, path: str, stage: str) -> bool:
        """Whether what stands at `path` is in the cache, or is what the lock file has."""
        out = next(out for out in self._stages[stage].outs if out.fs_path == path)
        with stage_translated():
            if not out.exists:
                return True
            if not out.changed_checksum():
                return True
            return bool(out.use_cache and out.cache.exists(out.get_hash().value))

    def revision(self) -> str | None:
        """The commit that is checked out; None without Git or a first commit."""
        from dvc.scm import NoSCM
        from scmrepo.exceptions import SCMError

        if isinstance(self.repo.scm, NoSCM):
            return None
        try:
            return str(self.repo.scm.get_rev())
        except SCMError:  # before the first commit
            return None

    def recorded_parameters(self) -> Mapping[str, Any]:
        """The parameters of the plan's stages, by file, as last recorded."""
        found: dict[str, dict[str, Any]] = {}
        for stage in self._stages.values():
            for dep in stage.params:
                if isinstance(dep.hash_info.value, dict):
                    found.setdefault(str(dep), {}).update(dep.hash_info.value)
        return found

    def watched(self) -> Watched | None:
        """What decides that there is nothing to do, as it was when that was decided.

        None when files alone do not decide, or something changed while the run went on.
        """
        stages = list(self._stages.values())
        if self._is_shared or not all(map(watch.is_watchable, stages)):
            return None
        with translated():
            files = watch.watched_files(self.repo)
            folders = watch.folders_seen(self.repo, files)
            cache = watch.cache_folders(self.repo)
        if folders is None or not all(watch.is_older(f, self._planned_ns) for f in files):
            return None
        if not all(reader.is_current for reader in self._readers.values()):
            return None
        files.update(str(reader.path) for reader in self._readers.values())
        files.update(path for ignores in folders.values() for path in ignores)
        known = {path: self._trust.mark(path) for stage in stages for path in _local_paths(stage)}
        metrics = [os.path.join(self.repo.root_dir, path) for path in self.metric_files()]
        return Watched(known, [*files, *(m for m in metrics if m not in known)], [*folders, *cache])

    def _describe(self, key: str, planned: Mapping["DvcStage", str]) -> Stage:
        stage = self._stages[key]
        is_command = bool(stage.cmd) and not stage.frozen
        replaces = is_command or (stage.is_import and not stage.frozen) or stage.is_partial_import
        settings = stage.meta.get("amelio") if isinstance(stage.meta, dict) else None
        return Stage(
            id=key,
            name=stage.addressing,
            needs=tuple(planned[other] for other in self._upstream[key] if other in planned),
            kind=StageKind.COMMAND if is_command else StageKind.INTERNAL,
            place=stage.relpath,
            inputs=tuple(dict.fromkeys(dep.fs_path for dep in stage.deps if _is_local(dep))),
            outputs=tuple(map(_output_path, filter(_is_local, stage.outs))) if replaces else (),
            settings=settings,
        )

    def _queue(self, stage: "DvcStage") -> None:
        from dvc.stage.serialize import to_single_stage_file, to_single_stage_lockfile

        name = getattr(stage, "name", None)
        if name is None:
            from amelio.atomic import write_text

            write_text(Path(stage.path), dumps(to_single_stage_file(stage)))
            self.repo.scm_context.track_file(stage.dvcfile.relpath)
            return
        writer = self._writers.get(stage.path)
        if writer is None:
            order = {
                other.name: self._ranks[key]
                for key, other in self._stages.items()
                if other.path == stage.path and hasattr(other, "name")
            }
            writer = LockFileWriter(_lock_path(stage.path), order)
            self._writers[stage.path] = writer
        writer.queue(name, to_single_stage_lockfile(stage))

    def _entry(self, stage: "DvcStage") -> dict[str, Any] | None:
        name = getattr(stage, "name", None)
        return None if name is None else self._readers[stage.path].entry(name)

    def _reload(self, stage: "DvcStage") -> None:
        from dvc.stage.loader import StageLoader

        entry = self._entry(stage) or {}
        stage.cmd_changed = bool(entry) and entry.get("cmd") != stage.cmd
        for item in [*stage.deps, *stage.outs]:
            item.obj = None
        StageLoader.fill_from_lock(stage, entry)


def _identify(stage: "DvcStage") -> str:
    name = getattr(stage, "name", None)
    path = stage.path_in_repo
    return path if name is None else f"{path}:{name}"


def _is_local(item: "Output") -> bool:
    return bool(item.protocol == "local" and item.fs_path)


def _local_paths(stage: "DvcStage") -> list[str]:
    return [item.fs_path for item in (*stage.deps, *stage.outs) if _is_local(item)]


def _output_path(out: "Output") -> OutputPath:
    return OutputPath(out.fs_path, bool(out.persist), not out.is_in_repo)


def _lock_path(project_file: str) -> Path:
    return Path(project_file).with_suffix(".lock")


def _branch(root: Path) -> str:
    """What HEAD is: a branch, or a commit when it is detached. Committing on a branch does not
    change it.
    """
    for folder in (root, *root.parents):
        git = folder / ".git"
        try:
            if git.is_file():
                git = folder / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
            return (
                (git / "HEAD").read_text(encoding="utf-8").strip().removeprefix("ref: refs/heads/")
            )
        except OSError:
            continue
    return ""


def _signature(stage: "DvcStage") -> str:
    """Hash of all that decides what a run of the stage makes."""
    parts: list[Any] = [stage.cmd, sorted(out.def_path for out in stage.outs)]
    parts += sorted((str(dep.def_path), repr(dep.hash_info)) for dep in stage.deps)
    return sha256(repr(parts).encode()).hexdigest()


def open_workspace(
    run_env: Mapping[str, str] | None = None, *, is_quiet: bool = False
) -> DvcWorkspace:
    """The repository around the working directory. Raises InputError outside of one."""
    require_known_dvc()
    from dvc.repo import Repo

    with translated():
        return DvcWorkspace(Repo(), run_env, is_quiet=is_quiet)
