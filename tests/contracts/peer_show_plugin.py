"""pytest plugin for DVC's own tests: `Repo.experiments.show` is amelio's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dvc.repo.experiments import Experiments
from dvc.repo.experiments.serialize import (
    ExpDep,
    ExpExecutor,
    ExpOut,
    ExpRange,
    ExpState,
    LocalExpExecutor,
    SerializableError,
    SerializableExp,
)

from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState, Scope, collect_states


def show(self: Experiments, revs: Sequence[str] | str | None = None, **options: Any) -> list[Any]:
    """DVC's signature and results, amelio's reading."""
    names = {
        "param_deps": "only_deps",
        "force": "is_fresh",
        **{name: name for name in ("num", "all_branches", "all_tags", "all_commits", "sha_only")},
        **{f"hide_{name}": f"hide_{name}" for name in ("queued", "failed", "workspace")},
    }
    chosen = (revs,) if isinstance(revs, str) else tuple(revs or ())
    given = {names[name]: value for name, value in options.items() if name in names}
    states = collect_states(Path(self.repo.root_dir), Scope(chosen, **given))
    return [_baseline(state) for state in states]


def _baseline(state: BaselineState) -> ExpState:
    found = _state(state.snapshot, state.name)
    found.experiments = [_range(each) for each in state.experiments] or None
    return found


def _range(each: ExperimentState) -> ExpRange:
    revs = [_state(snapshot, None) for snapshot in each.snapshots]
    revs[0].name = each.name
    return ExpRange(revs, _executor(each.executor), each.name)


def _executor(raw: Mapping[str, Any] | None) -> ExpExecutor | None:
    if raw is None:
        return None
    local = LocalExpExecutor(**raw["local"]) if raw["local"] else None
    return ExpExecutor(raw["state"], raw["name"], local)


def _state(snapshot: Snapshot, name: str | None) -> ExpState:
    error = SerializableError(**snapshot.error) if snapshot.error else None
    if not snapshot.is_readable:
        return ExpState(snapshot.commit, name, error=error)
    data = SerializableExp(
        rev=snapshot.commit,
        timestamp=snapshot.time,
        params=dict(snapshot.params),
        metrics=dict(snapshot.metrics),
        deps={path: ExpDep(**facts) for path, facts in snapshot.deps.items()},
        outs={path: ExpOut(**facts) for path, facts in snapshot.outs.items()},
        meta=dict(snapshot.meta),
    )
    return ExpState(snapshot.commit, name, data, error)


Experiments.show = show
