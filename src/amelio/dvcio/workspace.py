"""A DVC repository as the engine's `Workspace`. Everything here runs in one thread."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH118, PTH120

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio import faults
from amelio.dvcio.cache import runcache
from amelio.dvcio.cache.room import Room
from amelio.dvcio.cache.trust import Trust
from amelio.dvcio.figures import values
from amelio.dvcio.passthrough import stage_environment
from amelio.dvcio.repository import open_repo, without_bars
from amelio.dvcio.run import commands, judge, outputs, ownership, watch
from amelio.dvcio.run.folders import Folders
from amelio.dvcio.run.ignores import GitIndex, IgnoreOrder, newly_ignored
from amelio.dvcio.run.input_hashes import InputHashes
from amelio.dvcio.run.interpolation import Interpolations
from amelio.dvcio.run.lockfiles import LockFiles
from amelio.dvcio.run.pathlocks import PathLocks, reading_lock, repository_lock
from amelio.dvcio.run.selection import select
from amelio.dvcio.run.stages import (
    branch,
    changed_deps,
    describe,
    head_commit,
    identify,
    input_signature,
    is_local,
    local_paths,
    output_facts,
    outputs_asking,
    require_sound,
    signature,
)
from amelio.dvcio.translate import fetching, stage_translated, suggesting, translated
from amelio.dvcio.version import require_known_dvc
from amelio.errors import InputError, StageFailedError
from amelio.model import (
    BusyError,
    OutputFact,
    Policy,
    Selection,
    Stage,
    Task,
    UnsafeParameter,
    Verdict,
    Watched,
    never,
)

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage as DvcStage


class DvcWorkspace:
    """Implements `model.Workspace` with DVC's own objects, loaded once for a run.

    run_env: added to every command's environment
    is_quiet: without DVC's advice on what to add to Git
    is_dry: nothing in the repository may be written, moved or deleted
    """

    def __init__(
        self,
        repo: "Repo",
        run_env: Mapping[str, str] | None = None,
        *,
        is_quiet: bool = False,
        is_dry: bool = False,
    ) -> None:
        self.repo = repo
        self._is_quiet = is_quiet
        self._is_dry = is_dry
        self._run_env = dict(run_env or {})
        self._shell = commands.Shell(self._run_env)
        self._stages: dict[str, DvcStage] = {}
        self._ranks: dict[str, int] = {}
        self._upstream: dict[str, list[DvcStage]] = {}
        self._found: dict[str, DvcStage] = {}
        self._input_hashes = InputHashes()
        self._coming: dict[str, Output] = {}  # by path, what a forecast says would be restored
        self._locks = LockFiles(repo, [])
        self._path_locks = PathLocks(repo)
        self._ignores = IgnoreOrder(repo)
        self._git_index = GitIndex(repo)
        self._branch = branch(self.root)
        self._interpolations = Interpolations()
        self._room = Room(repo)
        self._folders = Folders(Path(repo.tmp_dir) / "amelio" / "folders")
        self._owned: Mapping[str, Output] = {}
        self._planned_ns = 0
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
            without_bars(),
            outputs.links_kept_open(self.repo),
        ):
            try:
                yield
            finally:
                self._path_locks.give_all_back()
                if not is_dry:
                    self._trust.save()

    @contextmanager
    def locked(self, gives_up: Callable[[], bool] = never) -> Iterator[None]:
        """Hold the repository lock. What other programs recorded meanwhile is read again on the way
        in.
        """
        with translated():
            if self._is_dry:
                with self._read_anew_if_busy(), reading_lock(self.repo, gives_up):
                    yield
                return
            with repository_lock(self.repo, gives_up):
                yield
                self._path_locks.sweep()

    @contextmanager
    def _read_anew_if_busy(self) -> Iterator[None]:
        """Nothing that was read counts for the next `plan`."""
        try:
            yield
        except BusyError:
            self.repo._reset()
            self._found.clear()
            self._coming.clear()
            self._input_hashes.forget()
            raise

    def plan(self, selection: Selection) -> Sequence[Stage]:
        """The stages in serial order. Raises InputError for what is wrong in `dvc.yaml` or the
        selection.
        """
        self._planned_ns = time.time_ns()
        with translated(InputError), suggesting(self.repo):
            stages, needs = select(self.repo, selection)
        for stage in stages:
            require_sound(stage)
        planned = {stage: identify(stage) for stage in stages}
        self._ranks = {key: rank for rank, key in enumerate(planned.values())}
        self._stages = {key: stage for stage, key in planned.items()}
        self._upstream = {key: list(needs.get(stage, ())) for stage, key in planned.items()}
        self._locks = LockFiles(self.repo, stages)
        return [describe(stage, self._upstream[key], planned) for stage, key in planned.items()]

    def judge(self, stage: str, policy: Policy) -> Verdict:
        """All reasons for which DVC would run the stage."""
        with stage_translated():
            self._trust.check(local_paths(self._stages[stage]))
            if self._coming:
                from amelio.dvcio.untouched import expect

                expect(self._stages[stage].deps, self._coming)
            return judge.judge(
                self._stages[stage],
                self._upstream[stage],
                lambda: self._locks.entry(self._stages[stage]),
                self._folders,
                allow_missing=policy.allow_missing,
            )

    def refresh(self, stages: Iterable[str]) -> None:
        """Read the lock entries of `stages` again where another program wrote the lock file."""
        self._locks.refresh(self._stages[key] for key in stages)

    def pull(self, stage: str) -> bool:
        """As `dvc repro --pull` for a stage that lacks nothing but data."""
        with stage_translated():
            return commands.pull_outputs(self._stages[stage])

    def unsafe_parameters(self, stage: str) -> Sequence[UnsafeParameter]:
        """Parameters in the stage's command that a shell would not take for plain words."""
        with stage_translated():
            return self._interpolations.unsafe(self._stages[stage])

    def claim(self, stage: str) -> None:
        """Take DVC's path locks of the stage. Raises BusyError."""
        with stage_translated():
            self._path_locks.take(stage, self._stages[stage])

    def release(self, stage: str) -> None:
        """Give the path locks back; an unrecorded stage is again what its lock entry says."""
        self._input_hashes.put_back(stage, self._stages[stage])
        self._path_locks.give_back(stage)

    def is_cached(self, stage: str, policy: Policy) -> bool:
        """Whether the run cache serves the stage; remembers what it found for `restore`."""
        found = self._stages[stage]
        is_locked = self._input_hashes.keep(stage, found)
        with stage_translated():
            if policy.pull:
                with fetching(f"what {found.addressing} needs"):
                    commands.pull_missing_deps(found)
            commands.require_deps(found)
            hit = runcache.find(
                found,
                lambda: self._input_hashes.look_up(stage, found),
                is_locked=is_locked,
                run_cache=policy.run_cache,
                pull=policy.pull,
                is_dry=self._is_dry,
            )
        if hit is None:
            return False
        self._found[stage] = hit
        if self._is_dry:
            self._coming |= {out.fs_path: out for out in hit.outs}
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

    def has_stored(self, stage: str) -> bool:
        """Whether the cache has all outputs that the lock file has."""
        with stage_translated():
            return bool(self._stages[stage].outs_cached())

    def require_data(self, stage: str) -> None:
        """What DVC only looks after, a data source or a frozen stage's outputs, must be there."""
        with stage_translated():
            commands.require_data(self._stages[stage])

    def require_room(self, stage: str, policy: Policy) -> None:
        """Look for a read-only cache or a full disk before anything runs."""
        self._room.require(self._stages[stage], is_stored=not policy.no_commit)

    def prepare(self, stage: str, policy: Policy) -> Task:
        """Hash the inputs as they are now; that is what the lock entry will say."""
        found = self._stages[stage]
        with stage_translated():
            self._input_hashes.take(stage, found, allow_missing=policy.force)
            for out in found.outs:
                if out.persist:
                    out.unprotect()
            argv, shown, env, unset = self._shell.prepare(found)
        return Task(
            stage=stage,
            commands=argv,
            shown=shown,
            cwd=Path(found.wdir),
            env=env,
            unset=unset,
            signature=signature(found),
            is_reusable=policy.run_cache and runcache.keeps(found, no_commit=policy.no_commit),
        )

    def changed_inputs(self, stage: str, paths: Sequence[str]) -> list[str]:
        """Which dependencies differ in content from what `prepare` hashed. Remote ones are always
        asked.
        """
        self._trust.check(paths)
        with stage_translated():
            changed = changed_deps(self._stages[stage], set(paths))
        if self._branch != branch(self.root):
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
                found,
                note,
                self._git_index.has,
                no_commit=policy.no_commit,
                allow_missing=policy.allow_missing,
            )
            found.md5 = found.compute_md5()
            faults.reach("commit.after_cache")
            if not policy.no_commit and all(
                out.use_cache or out.is_metric or out.is_plot for out in found.outs
            ):
                runcache.save(found)
            self._ignores.added(newly_ignored(self.repo, n_ignored), self._ranks[stage])
            self._locks.queue(found)
            self._folders.remember(found)
        self._input_hashes.recorded(stage)
        self._trust.note(out.fs_path for out in found.outs if is_local(out))
        return self.facts(stage)

    def sweep(self, before: float) -> None:
        """Delete what a run that died left half copied in the cache."""
        outputs.sweep(self.repo.cache.local.path, lambda changed: changed < before)

    def output_hashes(self, stage: str) -> Mapping[str, str]:
        """What the outputs that are there hash to."""
        with stage_translated():
            self._trust.check(local_paths(self._stages[stage]))
            return {
                out.fs_path: str(out.get_hash().value)
                for out in self._stages[stage].outs
                if out.exists
            }

    def run_internal(self, stage: str, policy: Policy) -> list[OutputFact]:
        """Let DVC do an import or check a data source, and record it."""
        found = self._stages[stage]
        n_ignored = len(self.repo.scm_context.ignored_paths)
        with stage_translated():
            commands.run_internal(found, policy)
            self._ignores.added(newly_ignored(self.repo, n_ignored), self._ranks[stage])
            self._locks.queue(found)
        return self.facts(stage)

    def owned_paths(self) -> Mapping[str, str]:
        """Every local output of a stage with a command, with that stage's name."""
        self._owned = ownership.owned_outputs(self.repo)
        return {path: out.stage.addressing for path, out in self._owned.items()}

    def is_rightful(self, path: str) -> bool:
        """Whether what looks changed is as recorded, or another DVC command works on it."""
        if self._path_locks.is_written_by_others(path):
            return True
        with stage_translated():
            self._trust.check([path])
            return ownership.is_as_recorded(self._owned[path])

    def secure_cache(self, paths: Sequence[str], since: float) -> list[str]:
        """Take overwritten objects out of the cache."""
        with stage_translated():
            return ownership.put_damaged_aside(self.repo, paths, since)

    def flush(self) -> None:
        """Write all queued lock entries."""
        with translated():
            self._locks.flush()

    def facts(self, stage: str) -> list[OutputFact]:
        """The stage's outputs as last recorded."""
        return output_facts(self._stages[stage])

    def parameters(self, stage: str) -> Mapping[str, Any]:
        """`params.yaml` beside the stage's `dvc.yaml`."""
        path = os.path.join(os.path.dirname(self._stages[stage].path), "params.yaml")
        return values.load_values(self.repo, path) or {}

    def metric_files(self) -> Mapping[str, str]:
        """Every metrics output of every stage."""
        return values.metric_files(self.repo)

    def read_metric(self, path: str) -> Any:
        """A metrics file's content, None without the file."""
        return values.load_values(self.repo, os.path.join(self.repo.root_dir, path))

    def probe_environment(self) -> Mapping[str, str]:
        """The search path of stages, and the root."""
        return {
            "PATH": stage_environment()["PATH"],
            "DVC_ROOT": self.repo.root_dir,
            **self._run_env,
        }

    def outputs_asking(self, probe: str) -> Sequence[str]:
        """Local outputs of all the repository's stages with this probe, planned or not."""
        return outputs_asking(self.repo.index.stages, probe)

    def input_signature(self, stage: str) -> str:
        """Hash of command, dependencies and parameters as they are in the workspace."""
        with stage_translated():
            return input_signature(self._stages[stage])

    def is_stored(self, path: str, stage: str) -> bool:
        """Whether what stands at `path` is in the cache, or is what the lock file has."""
        out = next(out for out in self._stages[stage].outs if out.fs_path == path)
        with stage_translated():
            return ownership.is_stored(out)

    def revision(self) -> str | None:
        """The commit that is checked out; None without Git or a first commit."""
        return head_commit(self.repo)

    def run_parameters(self) -> Mapping[str, Any]:
        """The parameters of the plan's stages, by file: those that were run with, else recorded."""
        hashes = self._input_hashes
        last = sorted(self._stages.items(), key=lambda item: hashes.has_taken(item[0]))
        return values.run_parameters((stage, hashes.of_run(key, stage)) for key, stage in last)

    def watched(self) -> Watched | None:
        """What decides that there is nothing to do, as it was when that was decided.

        None when files alone do not decide, or something changed while the run went on.
        """
        stages = list(self._stages.values())
        if self._locks.is_shared or not all(map(watch.is_watchable, stages)):
            return None
        with translated():
            found = watch.files_and_folders(self.repo, self._planned_ns)
        if found is None or not self._locks.is_current:
            return None
        files, folders = found
        known = {path: self._trust.mark(path) for stage in stages for path in local_paths(stage)}
        metrics = [os.path.join(self.repo.root_dir, path) for path in self.metric_files()]
        files += [*self._locks.paths, *(path for path in metrics if path not in known)]
        return Watched(known, files, folders)


def open_workspace(
    run_env: Mapping[str, str] | None = None, *, is_quiet: bool = False, is_dry: bool = False
) -> DvcWorkspace:
    """The repository around the working directory. Raises InputError outside of one.

    is_dry: to be looked at only; nothing in it changes
    """
    require_known_dvc()

    with translated():
        return DvcWorkspace(open_repo(is_dry=is_dry), run_env, is_quiet=is_quiet, is_dry=is_dry)
