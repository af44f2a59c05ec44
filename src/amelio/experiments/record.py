"""Experiments as the JSON of `dvc exp show --json`, which other programs read."""

from collections.abc import Sequence
from typing import Any

from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState
from amelio.experiments.table import RunFacts, Table


def records(states: Sequence[BaselineState], table: Table) -> list[dict[str, Any]]:
    """DVC's records of those experiments that the table has, in the table's order.

    Where amelio knows more of an experiment's run, it has a key `amelio`.
    """
    place = {(row.baseline, row.snapshot.commit, row.label): n for n, row in enumerate(table.rows)}
    facts = {n: row.facts for n, row in enumerate(table.rows)}
    found = []
    for base in states:
        chosen = [
            (place[base.snapshot.commit, each.tip.commit, each.name or ""], each)
            for each in base.experiments
            if (base.snapshot.commit, each.tip.commit, each.name or "") in place
        ]
        ranges = [_range(each, facts[n]) for n, each in sorted(chosen, key=lambda pair: pair[0])]
        found.append({**_state(base.snapshot, base.name), "experiments": ranges or None})
    return found


def _range(each: ExperimentState, facts: RunFacts) -> dict[str, Any]:
    names = [each.name, *([None] * (len(each.snapshots) - 1))]
    revs = [_state(snapshot, name) for snapshot, name in zip(each.snapshots, names, strict=True)]
    record = {"revs": revs, "executor": each.executor, "name": each.name}
    if facts == RunFacts():
        return record
    return {**record, "amelio": {"duration_s": facts.duration_s, "message": facts.message or None}}


def _state(snapshot: Snapshot, name: str | None) -> dict[str, Any]:
    return {
        "rev": snapshot.commit,
        "name": name,
        "data": snapshot.record(),
        "error": snapshot.error,
        "experiments": None,
    }
