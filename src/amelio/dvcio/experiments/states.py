"""Everything that `dvc exp show` knows, with the data of `dvc exp show --json`, only sooner."""

import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.dvcio.experiments.snapshot_reader import Commit, SnapshotReader, commits
from amelio.dvcio.experiments.snapshots import WORKSPACE, Snapshot, from_dvc
from amelio.dvcio.git.objects import GitObjects
from amelio.dvcio.project import git
from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import translated
from amelio.errors import EnvironmentFailedError, InputError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.repo.experiments.serialize import ExpRange

_APPLIED = "refs/exps/exec/EXEC_APPLY"
_REF_PARTS = 5  # refs/exps/<2 digits>/<38 digits>/<name>


@dataclass(frozen=True)
class Scope:
    """Which experiments: the options of `dvc exp show`.

    revs: the commits that they start from; HEAD where nothing is chosen
    num: that many commits back from each, all of them if negative
    only_deps: of the parameters, those that stages depend on
    is_fresh: read everything again
    """

    revs: tuple[str, ...] = ()
    num: int = 1
    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    hide_queued: bool = False
    hide_failed: bool = False
    hide_workspace: bool = False
    sha_only: bool = False
    only_deps: bool = False
    is_fresh: bool = False


@dataclass(frozen=True)
class ExperimentRef:
    """A Git reference of an experiment: its name, the commit it started from, its own commit."""

    ref: str
    name: str
    baseline: str
    commit: str


@dataclass(frozen=True)
class ExperimentState:
    """One experiment.

    snapshots: the newest first; more than one only of DVC's former checkpoints
    executor: what DVC's queue knows of it, in DVC's form
    """

    name: str | None
    snapshots: tuple[Snapshot, ...]
    executor: Mapping[str, Any] | None = None

    @property
    def tip(self) -> Snapshot:
        """What is shown."""
        return self.snapshots[0]

    @property
    def state(self) -> str:
        """`success`, `queued`, `running` or `failed`; empty where nobody knows."""
        return str(self.executor["state"]) if self.executor else ""


@dataclass(frozen=True)
class BaselineState:
    """A commit, or the workspace, with the experiments that started from it."""

    snapshot: Snapshot
    name: str | None = None
    experiments: tuple[ExperimentState, ...] = field(default_factory=tuple)


def experiment_refs(folder: Path) -> list[ExperimentRef]:
    """Every experiment of the repository."""
    lines = git(["for-each-ref", "--format=%(objectname) %(refname)", "refs/exps"], folder)
    found = []
    for commit, ref in (line.split(" ", 1) for line in lines.splitlines()):
        parts = ref.split("/")
        if len(parts) == _REF_PARTS and len(parts[2]) == 2:  # others: DVC's own books
            found.append(ExperimentRef(ref, parts[4], parts[2] + parts[3], commit))
    return found


def commit_named(folder: Path, name: str) -> str | None:
    """The commit of a branch, tag, commit or other reference; None where there is none."""
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def delete_refs(folder: Path, refs: Sequence[ExperimentRef]) -> None:
    """Delete experiments: all of them or, when one has changed since it was read, none.

    Raises EnvironmentFailedError with Git's words.
    """
    lines = "".join(f"delete {ref.ref} {ref.commit}\n" for ref in refs)
    applied = commit_named(folder, _APPLIED)
    if applied in {ref.commit for ref in refs}:  # DVC's note of what was applied last
        lines += f"delete {_APPLIED} {applied}\n"
    done = subprocess.run(
        ["git", "update-ref", "--stdin"], cwd=folder, input=lines, capture_output=True, text=True
    )
    if done.returncode:
        raise EnvironmentFailedError(f"no experiment was removed: {done.stderr.strip()}")


def collect_states(folder: Path, scope: Scope) -> list[BaselineState]:
    """The workspace, then each chosen commit with its experiments: running, done, queued, failed.

    Raises InputError for a revision that does not exist, or outside a Git and DVC repository.
    """

    with translated(InputError), open_repo(str(folder)) as repo:
        if not hasattr(repo.scm, "iter_refs"):
            raise InputError("experiments need a Git repository", hint="`git init` makes one")
        if repo.scm.no_commits:
            return []
        with GitObjects(Path(repo.scm.root_dir)) as objects:
            reader = SnapshotReader(
                repo, objects, only_deps=scope.only_deps, is_fresh=scope.is_fresh
            )
            return _collect(repo, reader, scope)


def read_commits(folder: Path, ids: Collection[str]) -> dict[str, Snapshot]:
    """Snapshots of any commits."""
    with (
        translated(InputError),
        open_repo(str(folder)) as repo,
        GitObjects(Path(repo.scm.root_dir)) as objects,
    ):
        reader = SnapshotReader(repo, objects, only_deps=False, is_fresh=False)
        return reader.read(list(commits(Path(repo.scm.root_dir), list(ids)).values()))


def read_two(folder: Path, old: str, new: str, *, only_deps: bool) -> list[BaselineState]:
    """Two commits, experiments or `workspace`, as states without experiments.

    Raises InputError when there is none of that name.
    """
    from dvc.repo.experiments.collect import collect_rev
    from dvc.scm import resolve_rev

    with translated(InputError), open_repo(str(folder)) as repo:
        found = []
        for name in (old, new):
            commit = name if name == WORKSPACE else resolve_rev(repo.scm, name)
            state = collect_rev(repo, commit, param_deps=only_deps)
            found.append(BaselineState(from_dvc(state), name))
        return found


def _collect(repo: "Repo", reader: SnapshotReader, scope: Scope) -> list[BaselineState]:
    from dvc.repo.experiments.collect import collect_rev
    from dvc.repo.experiments.utils import describe

    baselines = _baselines(repo, scope)
    refs = experiment_refs(Path(repo.scm.root_dir))
    names = (
        {} if scope.sha_only else describe(repo.scm, baselines, None, list(repo.scm.iter_refs()))
    )
    found: list[BaselineState] = []
    if not scope.hide_workspace:
        state = collect_rev(repo, WORKSPACE, param_deps=scope.only_deps)
        found.append(BaselineState(from_dvc(state)))
    done = _done(repo, reader, baselines, refs)
    running, queued, failed = _of_dvc_queue(repo, baselines, scope)
    top = Path(repo.scm.root_dir)
    snapshots = reader.read(list(commits(top, baselines).values()))
    for commit in baselines:
        kinds = (running, done, queued, failed)
        experiments = [each for kind in kinds for each in _newest_first(kind.get(commit, []))]
        found.append(BaselineState(snapshots[commit], names.get(commit), tuple(experiments)))
    return found


def _baselines(repo: "Repo", scope: Scope) -> list[str]:
    from dvc.scm import iter_revs

    everywhere = scope.all_branches or scope.all_tags or scope.all_commits
    revs = list(scope.revs) or ([] if everywhere else ["HEAD"])
    return list(
        iter_revs(
            repo.scm,
            revs=revs,
            num=scope.num,
            all_branches=scope.all_branches,
            all_tags=scope.all_tags,
            all_commits=scope.all_commits,
        )
    )


def _done(
    repo: "Repo", reader: SnapshotReader, baselines: Sequence[str], refs: Iterable[ExperimentRef]
) -> dict[str, list[ExperimentState]]:
    chosen = set(baselines)
    wanted = [ref for ref in refs if ref.baseline in chosen and ref.commit != ref.baseline]
    chains = _chains(repo, wanted)
    snapshots = reader.read([commit for chain in chains.values() for commit in chain])
    executors = _executors(repo, baselines)
    found: dict[str, list[ExperimentState]] = defaultdict(list)
    for ref in wanted:
        states = tuple(snapshots[commit.id] for commit in chains[ref.ref])
        found[ref.baseline].append(ExperimentState(ref.name, states, executors.get(ref.ref)))
    return found


def _chains(repo: "Repo", refs: Sequence[ExperimentRef]) -> dict[str, list[Commit]]:
    """The commits of each experiment, down to where it started; nearly always one."""
    top = Path(repo.scm.root_dir)
    tips = commits(top, [ref.commit for ref in refs])
    chains = {}
    for ref in refs:
        tip = tips[ref.commit]
        if tip.parents[:1] in ((), (ref.baseline,)):
            chains[ref.ref] = [tip]
        else:
            ids = list(repo.scm.branch_revs(ref.commit, ref.baseline))
            known = commits(top, ids)
            chains[ref.ref] = [known[commit] for commit in ids]
    return chains


def _newest_first(states: Iterable[ExperimentState]) -> list[ExperimentState]:
    return sorted(
        states,
        key=lambda state: (state.tip.time or datetime.fromtimestamp(0), state.tip.commit),
        reverse=True,
    )


def _uses_celery(repo: "Repo") -> bool:
    """Whether DVC's queue was ever filled here; to ask it costs 0.5 s of imports."""
    broker = Path(repo.tmp_dir) / "exps" / "celery"
    has_messages = any(path.is_file() for path in broker.rglob("*"))
    return has_messages or bool(repo.scm.get_ref("refs/exps/celery/stash"))


def _may_run(repo: "Repo") -> bool:
    """Whether DVC left a note of a run; to look closer costs 0.5 s of imports."""
    notes = (Path(repo.tmp_dir) / "exps" / "run").glob("*/*")
    return any(path.suffix in (".run", ".json") for path in notes)


def _executors(repo: "Repo", baselines: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    if not _uses_celery(repo):
        return {}
    from dataclasses import asdict

    queue = repo.experiments.celery_queue
    found = queue.collect_success_executors(list(baselines))
    return {ref: asdict(executor) for ref, executor in found.items() if executor}


Kinds = dict[str, list[ExperimentState]]


def _of_dvc_queue(
    repo: "Repo", baselines: Sequence[str], scope: Scope
) -> tuple[Kinds, Kinds, Kinds]:
    """What runs, waits and has failed in DVC's own queues, as DVC tells it."""
    from dvc.repo.experiments.collect import collect_active, collect_failed, collect_queued

    options = {"param_deps": scope.only_deps, "force": scope.is_fresh, "fetch_running": True}
    if not _uses_celery(repo):
        if not _may_run(repo):
            return {}, {}, {}
        queues = (repo.experiments.workspace_queue, repo.experiments.tempdir_queue)
        running: dict[str, list[ExpRange]] = defaultdict(list)
        for queue in queues:
            for commit, ranges in queue.collect_active_data(baselines, **options).items():
                running[commit] += ranges
        return _states(running), {}, {}
    return (
        _states(collect_active(repo, baselines, **options)),
        {} if scope.hide_queued else _states(collect_queued(repo, baselines, **options)),
        {} if scope.hide_failed else _states(collect_failed(repo, baselines, **options)),
    )


def _states(found: "Mapping[str, Sequence[ExpRange]]") -> Kinds:
    from dataclasses import asdict

    return {
        commit: [
            ExperimentState(
                each.name or each.revs[0].name,
                tuple(map(from_dvc, each.revs)),
                asdict(each.executor) if each.executor else None,
            )
            for each in ranges
        ]
        for commit, ranges in found.items()
    }
