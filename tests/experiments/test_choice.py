"""Which experiments are chosen: by expression, by the best metric, sorted; columns left out."""

import pytest

from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState
from amelio.errors import InputError
from amelio.experiments.choice import (
    Order,
    best_first,
    filtered,
    find_column,
    ordered,
    top,
)
from amelio.experiments.table import Table, matching, only_changed, table_of

METRICS = "metrics/eval_metrics.json"


def snapshot(commit: str, accuracy: float | None, batch: int, loss: float = 1.0) -> Snapshot:
    """One commit's data."""
    metrics = {"overall": {"average_accuracy": accuracy}} if accuracy is not None else {}
    return Snapshot(
        commit * 40,
        params={"params.yaml": {"data": {"train": {"batch_size": batch, "epochs": 10}}}},
        metrics={METRICS: {"data": metrics}, "metrics/train.json": {"data": {"loss": loss}}},
    )


@pytest.fixture
def table() -> Table:
    """Four experiments of one commit, the last one without the metric."""
    facts = {"a": (0.96, 64, 3.0), "b": (0.97, 32, 1.0), "c": (0.91, 64, 2.0), "d": (None, 64, 9.0)}
    experiments = tuple(
        ExperimentState(f"exp-{name}", (snapshot(name, *values),)) for name, values in facts.items()
    )
    return table_of([BaselineState(snapshot("e", 0.5, 32), "main", experiments)])


def names(table: Table) -> list[str]:
    """The experiments' names in order."""
    return [row.label for row in table.experiments]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "metrics.eval_metrics.overall.average_accuracy > 0.95 and params.train.epochs == 10 "
            "and params.train.batch_size == 64",
            ["exp-a"],
        ),
        (f"metrics['{METRICS}'].overall.average_accuracy > 0.9", ["exp-a", "exp-b", "exp-c"]),
        ("params['params.yaml'].train.batch_size in [32]", ["exp-b"]),
        ("metrics.train.loss < 2.5 or params.train.batch_size == 32", ["exp-b", "exp-c"]),
        ("params.train.epochs != 10", []),
    ],
)
def test_filter(table: Table, expression: str, expected: list[str]) -> None:
    found = filtered(table, expression)
    assert names(found) == expected
    assert found.rows[0].label == "main"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("metric.x > 1", "unknown name 'metric'; did you mean 'metrics'"),
        ("metrics.eval_metrics.overal.x > 1", r"there is no metrics\.eval_metrics\.overal"),
        ("metrics.evalmetrics.x > 1", "called evalmetrics; did you mean 'eval_metrics'"),
        ("params.trian.x > 1", "called trian; did you mean 'train'"),
        ("metrics.train.loss >", "not an expression"),
        ("__import__('os').system('x')", "only these functions"),
    ],
)
def test_a_wrong_filter_is_told(table: Table, expression: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        filtered(table, expression)


def test_the_best_comes_first_whichever_direction_is_good(table: Table) -> None:
    accuracy, loss = best_first(table, "average_accuracy"), best_first(table, "loss")
    assert (accuracy.is_descending, loss.is_descending) == (True, False)
    assert names(ordered(table, accuracy)) == ["exp-b", "exp-a", "exp-c", "exp-d"]
    assert names(top(table, 2, accuracy)) == ["exp-b", "exp-a"]
    assert names(top(table, 1, loss)) == ["exp-b"]
    assert names(ordered(table, Order(accuracy.column, is_descending=False)))[-1] == "exp-d"


@pytest.mark.parametrize(
    "name",
    ["overall.average_accuracy", "average_accuracy", f"{METRICS}:overall.average_accuracy",
     "metrics.eval_metrics.overall.average_accuracy"],
)  # fmt: skip
def test_columns_are_found_by_any_of_their_names(table: Table, name: str) -> None:
    assert find_column(table, name).name == "overall.average_accuracy"


def test_an_unknown_column_has_a_suggestion(table: Table) -> None:
    with pytest.raises(InputError, match=r"did you mean 'train\.batch_size'"):
        find_column(table, "batchsize")


def test_only_changed_keeps_what_differs_and_what_is_protected(table: Table) -> None:
    headers = {column.header for column in only_changed(table).columns}
    assert headers == {"overall.average_accuracy", "loss", "train.batch_size"}
    kept = only_changed(table, matching(table, [r"train\.ep"]))
    assert {column.header for column in kept.columns} == {*headers, "train.epochs"}


def test_only_changed_looks_at_rows_that_can_have_a_value() -> None:
    def snapshot(commit: str, params: dict[str, int], *, has_run: bool) -> Snapshot:
        return Snapshot(
            commit * 40,
            params={"params.yaml": {"data": params}},
            metrics={"m.json": {"data": {"n": 3}}} if has_run else {},
            deps={"source.txt": {"hash": "abc"}} if has_run else {},
        )

    base, done = (snapshot(name, {"lr": 1}, has_run=True) for name in "ab")
    failed = snapshot("c", {"lr": 1, "extra": 7}, has_run=False)
    states = (ExperimentState("done", (done,)), ExperimentState("failed", (failed,)))
    found = only_changed(table_of([BaselineState(base, "main", states)]))
    assert [column.header for column in found.columns] == ["extra"]  # as `-S +extra=7` set it


def test_a_name_in_two_files_is_shown_with_its_file() -> None:
    data = {"data": {"f1": 1.0}}
    both = Snapshot("a" * 40, metrics={"x.json": data, "y.json": data})
    table = table_of([BaselineState(both)])
    assert [column.header for column in table.columns] == ["x.json:f1", "y.json:f1"]
    with pytest.raises(InputError, match=r"may be any of x\.json:f1, y\.json:f1"):
        find_column(table, "f1")
