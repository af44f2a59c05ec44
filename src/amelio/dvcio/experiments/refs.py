"""Experiments as DVC keeps them: names, refs, the commit of a result."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.git.plumbing import LITERALLY, plumb, succeeds
from amelio.dvcio.translate import translated
from amelio.errors import EnvironmentFailedError, InputError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

NO_COMMIT = "0" * 40
DVC_QUEUE = "refs/exps/celery/stash"


def ref_of(baseline: str, name: str) -> str:
    """The ref under which DVC looks for an experiment."""
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"


def check_name(repo: "Repo", name: str, baseline: str) -> None:
    """Raises InputError for a name that DVC would refuse."""
    from dvc.repo.experiments.refs import ExpRefInfo
    from dvc.repo.experiments.utils import check_ref_format

    with translated(InputError):
        check_ref_format(repo.scm, ExpRefInfo(baseline, name))


def taken_names(top: Path, baseline: str) -> set[str]:
    """The names of the baseline's experiments."""
    prefix = ref_of(baseline, "")
    found = plumb(["for-each-ref", "--format=%(refname)", prefix], top)
    return {line.removeprefix(prefix) for line in found.splitlines()}


def random_names(count: int, taken: Iterable[str]) -> list[str]:
    """New names of DVC's kind, like `pithy-lure`."""
    from dvc.repo.experiments.utils import gen_random_name

    used, names = set(taken), []
    for number in range(count):
        name = gen_random_name()
        if name in used:  # about a million there are
            name = f"{name}-{number}"
        used.add(name)
        names.append(name)
    return names


def commit_of(top: Path, baseline: str, name: str) -> str | None:
    """The experiment's commit; None when there is none of that name."""
    ref = ref_of(baseline, name)
    if not succeeds(["rev-parse", "--verify", "--quiet", ref], top):
        return None
    return plumb(["rev-parse", ref], top)


def n_in_dvc_queue(top: Path) -> int:
    """How many experiments wait in DVC's own queue."""
    if not succeeds(["rev-parse", "--verify", "--quiet", DVC_QUEUE], top):
        return 0
    return len(plumb(["reflog", "show", "--format=%H", DVC_QUEUE], top).splitlines())


def result_files(repo: "Repo", stages: Sequence["Stage"]) -> list[str]:
    """What DVC adds to an experiment beside changed tracked files: stages' own files and inputs,
    metrics, parameters and plots; as full paths.
    """
    from dvc.repo.experiments.executor.base import BaseExecutor
    from dvc.stage.utils import _get_stage_files

    here, root = Path.cwd(), Path(repo.root_dir)
    found = {here / path for stage in stages for path in _get_stage_files(stage)}
    found.update(root / path for path in BaseExecutor._get_top_level_paths(repo))
    return sorted(str(path) for path in found if path.exists())


def hash_of(stages: Sequence["Stage"]) -> str:
    """DVC's hash of what an experiment made; stands in the commit's message."""
    from dvc.repo.experiments.executor.base import BaseExecutor

    return str(BaseExecutor.hash_exp(stages))


def add(paths: Sequence[str], folder: Path, index: Path | None = None) -> None:
    """Add all changes of tracked files, and `paths`, to the worktree's index, or to `index`.

    Paths that Git ignores are left out, as DVC leaves them, and those in submodules.
    """
    env = {"GIT_INDEX_FILE": str(index)} if index else None
    plumb(["add", "--update", ":/"], folder, env)
    if paths:
        ignored = _ignored(paths, folder)
        modules = _submodules(folder)
        wanted = [
            path
            for path in paths
            if path not in ignored and not any(Path(path).is_relative_to(m) for m in modules)
        ]
        if wanted:
            words = [LITERALLY, "add", "--pathspec-from-file=-", "--pathspec-file-nul"]
            plumb(words, folder, env, given="\0".join(wanted))


def _submodules(folder: Path) -> list[Path]:
    inside = folder.resolve()
    top = next((place for place in (inside, *inside.parents) if (place / ".git").exists()), inside)
    if not (top / ".gitmodules").exists():
        return []
    words = ["config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$"]
    entries = plumb(words, top).split("\0")
    return [top / entry.partition("\n")[2] for entry in entries if entry]


def _ignored(paths: Sequence[str], folder: Path) -> set[str]:
    done = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        cwd=folder,
        input="\0".join(paths),
        capture_output=True,
        text=True,
    )
    return set(done.stdout.split("\0"))


def commit(folder: Path, baseline: str, message: str, index: Path | None = None) -> str:
    """Commit the index on top of the baseline, in the user's name; no branch moves."""
    env = {"GIT_INDEX_FILE": str(index)} if index else None
    tree = plumb(["write-tree"], folder, env)
    return plumb(["commit-tree", tree, "-p", baseline], folder, given=message)  # as it stands


def publish(folder: Path, baseline: str, name: str, made: str, *, force: bool) -> str:
    """Make `made` the experiment `name`; returns its commit: the one of that name when it is equal.

    Raises InputError when there is another one of that name, and `force` does not allow for that.
    """
    ref = ref_of(baseline, name)
    if force:
        plumb(["update-ref", ref, made], folder)
        return made
    try:
        plumb(["update-ref", ref, made, NO_COMMIT], folder)
    except EnvironmentFailedError:
        old = commit_of(folder, baseline, name)
        if old is None:
            raise
        if not succeeds(["diff", "--quiet", old, made], folder):
            raise InputError(
                f"there is another experiment {name!r} already; this result is commit {made[:7]}",
                hint="take another name, or replace it with `--force`",
            ) from None
        return old
    return made
