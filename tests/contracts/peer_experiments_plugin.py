"""pytest plugin for DVC's own tests: `experiments.run` in the workspace, `remove` and `diff` are
amelio's. What is for DVC's own queue, its temporary folders or a remote stays DVC's, as it does on
amelio's command line.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException, InvalidArgumentError, ReproductionError
from dvc.repo.experiments import Experiments
from dvc.repo.experiments.exceptions import UnresolvedExpNamesError

from amelio.actions.experiment_here import run_here
from amelio.actions.experiment_queue import Wanted
from amelio.actions.experiments_diff import WORKSPACE, diff_experiments
from amelio.actions.experiments_remove import find_rubbish, remove_experiments
from amelio.cli.exp_diff import record
from amelio.dvcio.experiments.states import experiment_refs
from amelio.errors import InputError
from amelio.experiments.home import find_home
from amelio.experiments.tidy import Rubbish
from amelio.model import Policy, Selection

_DVC_RUN: Any = Experiments.run
_DVC_REMOVE: Any = Experiments.remove


def run(
    self: Experiments,
    targets: Sequence[str] | str | None = None,
    params: Sequence[str] | None = None,
    **options: Any,
) -> dict[str, str]:
    """DVC's signature; amelio's experiment in the workspace."""
    if any(options.get(name) for name in ("run_all", "queue", "tmp_dir", "dry")):
        theirs: dict[str, str] = _DVC_RUN(self, targets=targets, params=params, **options)
        return theirs
    names = (targets,) if isinstance(targets, str) else tuple(targets or ())
    wanted = Wanted(
        values=tuple(params or ()),
        name=options.get("name"),
        selection=Selection(names, recursive=bool(options.get("recursive"))),
        policy=Policy(force=bool(options.get("force"))),
        message=options.get("message"),
        no_hydra=bool(options.get("no_hydra")),
    )
    try:
        result = run_here(find_home(Path.cwd()), wanted, 1, lambda _: None)
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, DvcException):
            raise cause from None
        raise InvalidArgumentError(str(error)) from error
    finally:
        self.repo._reset()
    if result.commit is None:
        raise ReproductionError("a stage failed")
    return {result.commit: result.name}


def remove(
    self: Experiments,
    exp_names: Sequence[str] | str | None = None,
    rev: Sequence[str] | str | None = None,
    all_commits: bool = False,
    num: int = 1,
    keep: bool = False,
    **options: Any,
) -> list[str]:
    """DVC's signature; amelio's choice, unless it is of DVC's queue, a remote, or whole refs."""
    names = (exp_names,) if isinstance(exp_names, str) else tuple(exp_names or ())
    revs = (rev,) if isinstance(rev, str) else tuple(rev or ())
    root = Path(self.repo.root_dir)
    known = {ref.name for ref in experiment_refs(root)}
    if any(options.values()) or not (names or revs or all_commits) or set(names) - known:
        theirs: list[str] = _DVC_REMOVE(
            self, exp_names, rev, all_commits=all_commits, num=num, keep=keep, **options
        )
        return theirs
    wanted = Rubbish(names, is_inverted=keep)
    try:
        found = find_rubbish(root, wanted, datetime.now(), revs, num)
    except InputError as error:
        raise UnresolvedExpNamesError(names) from error
    remove_experiments(root, found)
    return [row.label for row in found.rows]


def diff(
    self: Experiments,
    a_rev: str | None = None,
    b_rev: str | None = None,
    param_deps: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """DVC's signature and results, amelio's reading."""
    if self.repo.scm.no_commits:
        return {}
    everything = bool(options.get("all"))
    found = diff_experiments(
        Path(self.repo.root_dir),
        a_rev or "HEAD",
        b_rev or WORKSPACE,
        everything=everything,
        only_deps=param_deps,
    )
    both = record(found)
    del both["code"]
    return both


Experiments.run, Experiments.remove, Experiments.diff = run, remove, diff
