"""Looking at experiments: the table of them, with what is known of their runs."""

from dataclasses import dataclass
from pathlib import Path

from amelio.dvcio.experiments.states import BaselineState, Scope, collect_states
from amelio.errors import InputError
from amelio.experiments.choice import Order, best_first, filtered, find_column, ordered, top
from amelio.experiments.run_facts import queue_facts, run_facts, shown_statuses, with_queue
from amelio.experiments.table import Column, Table, matching, only_changed, table_of, without


@dataclass(frozen=True)
class View:
    """What is to be seen of the table: DVC's options, and ours.

    only_changed: no columns that are the same in every row; keep, drop: patterns of columns
    sort_by: a metric or parameter; best: a metric, the best value of it first
    top: that many experiments at the most
    metric: `FILE:NAME` of the one that counts, which only_changed keeps
    """

    only_changed: bool = False
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    filter: str = ""
    sort_by: str = ""
    descending: bool = False
    best: str = ""
    top: int | None = None
    metric: str = ""


@dataclass(frozen=True)
class Shown:
    """states: everything that was found; table: as it is wanted

    first: the columns that were asked for, and the metric that counts
    trouble: why the queue's part is missing
    """

    states: list[BaselineState]
    table: Table
    first: frozenset[Column] = frozenset()
    trouble: str = ""


def show_experiments(folder: Path, scope: Scope, view: View) -> Shown:
    """All experiments of the scope, and the part of them that is to be seen.

    Raises InputError for a revision, a column or an expression that makes no sense.
    """
    if view.best and view.sort_by:
        raise InputError("give one of --best, --sort-by")
    if view.top is not None and not (view.best or view.sort_by):
        raise InputError("--top needs --best METRIC or --sort-by NAME")
    facts = queue_facts(folder)
    states = with_queue(folder, collect_states(folder, scope), facts, shown_statuses(scope))
    table = table_of(states, run_facts(facts.entries))
    first = [*matching(table, view.keep), *_that_counts(table, view)]
    if view.best or view.sort_by:
        first.append(find_column(table, view.best or view.sort_by))
    return Shown(states, viewed(table, view), frozenset(first), facts.trouble)


def viewed(table: Table, view: View) -> Table:
    """The part of the table that is wanted."""
    if view.filter:
        table = filtered(table, view.filter)
    if view.best:
        table = top(table, view.top or 1, best_first(table, view.best))
    elif view.sort_by:
        order = Order(find_column(table, view.sort_by), view.descending)
        table = ordered(table, order) if view.top is None else top(table, view.top, order)
    if view.only_changed:
        table = only_changed(table, [*matching(table, view.keep), *_that_counts(table, view)])
    return without(table, set(matching(table, view.drop)) if view.drop else ())


def _that_counts(table: Table, view: View) -> list[Column]:
    return [column for column in table.columns if f"{column.file}:{column.name}" == view.metric]
