"""Queue experiments, and keep a crew at work on them."""

import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from amelio.actions.experiment_run import ExperimentRunner, forecast
from amelio.actions.repro import ForecastResult
from amelio.dvcio.experiments import refs, starting_point
from amelio.dvcio.experiments.overrides import Overrides, combinations
from amelio.dvcio.experiments.project import ExperimentProject, opened, preload
from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments.crew import Crew
from amelio.experiments.entry import Order
from amelio.experiments.home import Home, put_in_order
from amelio.experiments.queue import Queue
from amelio.experiments.worker import Worker
from amelio.experiments.worktrees import borrowed, tidy
from amelio.model import Policy, Selection


@dataclass(frozen=True)
class Wanted:
    """What `amelio exp run` is told about the experiments themselves.

    values: DVC's `--set-param`, lists and ranges included
    n_random: as many of the grid, taken at random; None for all
    seed: of that choice
    copies: files and folders outside of Git that the experiments need
    """

    values: tuple[str, ...] = ()
    name: str | None = None
    n_random: int | None = None
    seed: int | None = None
    selection: Selection = field(default_factory=Selection)
    policy: Policy = field(default_factory=Policy)
    message: str | None = None
    copies: tuple[str, ...] = ()
    no_hydra: bool = False


@dataclass(frozen=True)
class Queued:
    """orders: what was queued; copies: untracked files that every one of them gets."""

    batch: str
    ids: tuple[int, ...]
    orders: tuple[Order, ...]
    copies: tuple[str, ...] = ()


def queue_experiments(home: Home, wanted: Wanted) -> Queued:
    """Queue what is wanted, starting from the files as they are now. Nothing runs yet.

    Raises InputError, with nothing queued.
    """
    put_in_order(home)
    place = starting_point.find_place(Path.cwd())
    with opened(home.root) as repository:
        chosen = choose(repository, wanted)
        names = name_them(repository, place, wanted, len(chosen))
        if wanted.selection.targets:  # else every stage, and nothing to be misspelt
            repository.workspace("", place.head, home.root).plan(wanted.selection)
        commit = _start_commit(repository, place, chosen[0])
        copies = _copies(repository, wanted, commit, place)
    orders = tuple(
        _order(wanted, place, commit, copies, name, one)
        for name, one in zip(names, chosen, strict=True)
    )
    batch = f"{time.time():.6f}-{os.getpid()}"
    queue = Queue(home.queue)
    ids = queue.add(orders, batch)
    starting_point.keep(home.top, home.root, commit)
    queue.close()
    return Queued(batch, tuple(ids), orders, copies)


def run_queue(
    home: Home,
    jobs: int,
    batch: str | None,
    ready: Callable[[], object] = lambda: None,
    parent: int | None = None,
) -> int:
    """Run what waits (of `batch`), `jobs` stages at a time; returns the signal that ended it, or 0.

    To be called in a process of its own that has no threads: it forks.
    ready: called before the first worker starts
    parent: the process with which it ends; None when it goes on alone
    Raises EnvironmentFailedError when nothing can run at all.
    """
    preload()
    put_in_order(home)
    with opened(home.root) as repository:
        config = repository.local_config()
        require_writable(repository.cache_folder)
    ready()
    worker = Worker(home, batch, ExperimentRunner(home, config, jobs))
    number = Crew(home, jobs, batch, worker, parent).run()
    with suppress(EnvironmentFailedError, OSError):  # a full disk; the next command tries again
        put_in_order(home)
    return number


@dataclass(frozen=True)
class Outlook:
    """What one experiment would do. values: the parameters it would set."""

    values: str
    forecast: ForecastResult


def foresee(home: Home, wanted: Wanted, jobs: int) -> list[Outlook]:
    """What would run, and why, for each experiment; nothing is queued or run.

    It is looked up in a worktree, as the parameters have to be in the files.
    """
    put_in_order(home)
    here = Path.cwd()
    place = starting_point.find_place(here)
    found = []
    with opened(home.root) as repository:
        chosen = choose(repository, wanted)
        commit = _start_commit(repository, place, chosen[0])
        copies = _copies(repository, wanted, commit, place)
        config = repository.local_config()
    try:
        with borrowed(home.worktrees, home.top) as worktree:
            for one in chosen:
                order = _order(wanted, place, commit, copies, "dry", one)
                found.append(Outlook(order.values, forecast(home, worktree, order, config, jobs)))
                os.chdir(here)
    finally:
        os.chdir(here)
        put_in_order(home)
        tidy(home.worktrees, home.top)
    return found


def require_writable(cache: Path) -> None:
    """Raises EnvironmentFailedError when nothing could be stored in the cache: better now than
    after the work.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise EnvironmentFailedError(
            f"nothing can be stored in DVC's cache: {error.strerror}",
            path=cache,
            hint="make it writable, or name another one with `dvc cache dir`",
        ) from error


def choose(repository: ExperimentProject, wanted: Wanted) -> list[Overrides]:
    """What each experiment is to set. Raises InputError for values that cannot be set."""
    grid = combinations(wanted.values)
    repository.check_values(grid[0])
    if wanted.n_random is None or wanted.n_random >= len(grid):
        return grid
    if wanted.n_random < 1:
        raise InputError(f"--random: expected at least 1, got {wanted.n_random}")
    numbers = random.Random(wanted.seed).sample(range(len(grid)), wanted.n_random)
    return [grid[number] for number in sorted(numbers)]


def name_them(
    repository: ExperimentProject, place: starting_point.Place, wanted: Wanted, count: int
) -> list[str]:
    """A name for each of `count` experiments. Raises InputError for one that cannot be had."""
    taken = refs.taken_names(place.top, place.head)
    if wanted.name is None:
        return refs.random_names(count, taken)
    repository.check_name(wanted.name, place.head)
    names = [wanted.name] if count == 1 else [f"{wanted.name}-{n + 1}" for n in range(count)]
    clash = [name for name in names if name in taken]
    if clash and not wanted.policy.force:
        raise InputError(
            f"there is an experiment {clash[0]!r} already",
            hint="take another name, or replace it with `--force`",
        )
    return names


def _order(
    wanted: Wanted,
    place: starting_point.Place,
    commit: str,
    copies: tuple[str, ...],
    name: str,
    one: Overrides,
) -> Order:
    return Order(
        name=name,
        baseline=place.head,
        snapshot=commit,
        overrides=one,
        folder=os.path.relpath(Path.cwd(), place.top),
        selection=wanted.selection,
        policy=wanted.policy,
        message=wanted.message,
        copies=copies,
        no_hydra=wanted.no_hydra,
    )


def _start_commit(
    repository: ExperimentProject, place: starting_point.Place, one: Overrides
) -> str:
    data = repository.store_changed_data()
    return starting_point.take(place, _untracked_params(one, place), data)


def _untracked_params(one: Overrides, place: starting_point.Place) -> list[Path]:
    """Parameters files that Git does not have yet; DVC adds such to Git, we to the snapshot."""
    paths = [Path(path).resolve() for path in one]
    outside = [path for path in paths if not path.is_relative_to(place.top)]
    if outside:
        raise InputError(f"--set-param: {outside[0]} is outside of the repository")
    known = starting_point.tracked(
        "HEAD", [str(path.relative_to(place.top)) for path in paths], place.top
    )
    return [path for path in paths if str(path.relative_to(place.top)) not in known]


def _copies(
    repository: ExperimentProject, wanted: Wanted, commit: str, place: starting_point.Place
) -> tuple[str, ...]:
    """What experiments need and no commit has, relative to the DVC repository."""
    root = repository.root
    given = [os.path.relpath(Path(path).resolve(), root) for path in wanted.copies]
    missing = [path for path in given if not (root / path).exists()]
    if missing:
        raise InputError(f"--copy-paths: {', '.join(missing)}: no such file or folder")
    outside = [path for path in given if Path(path).parts[0] == os.pardir]
    if outside:
        raise InputError(f"--copy-paths: {', '.join(outside)}: outside of the DVC repository")
    inputs = [os.path.relpath(path, place.top) for path in repository.inputs()]
    known = starting_point.tracked(commit, inputs, place.top)
    unknown = repository.untracked_inputs(sorted(known), place.top)
    new = starting_point.untracked(sorted(known), place.top)
    new = [os.path.relpath(place.top / path, root) for path in new]
    return tuple(dict.fromkeys([*given, *unknown, *new]))
