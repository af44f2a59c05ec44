"""Experiments as a table and as charts, and how strongly parameters go along with a metric."""

import random

import pytest
from scipy.stats import spearmanr

from amelio.reports.experiment_view import data_of, table_of
from amelio.reports.facts import Experiment, Experiments
from amelio.reports.importance import importance


def experiment(name: str, accuracy: float, **params: object) -> Experiment:
    return Experiment(name, "a" * 40, "today", params, {"accuracy": accuracy, "note": "x"})


ROWS = (
    experiment("one", 0.7, lr=0.001, opt="Muon", same=1),
    experiment("two", 0.8, lr=0.1, opt="Adam", same=1),
    experiment("three", 0.9, lr=0.01, opt="Adam", same=1),
)


def test_only_what_differs_has_a_column() -> None:
    table = table_of(Experiments(ROWS, "accuracy", {"lr": 0.5}))
    assert table.header == ("accuracy", "lr", "opt")
    assert table.rows[0].cells == ("0.7", "0.001", "Muon")
    assert [(name, text) for name, text, _ in table.importance] == [("lr", "50%")]


def test_the_metric_and_what_was_set_come_first_and_equal_figures_not_at_all() -> None:
    rows = [
        Experiment(
            name,
            "a" * 40,
            "today",
            {"lr": lr, "same": 1},
            {"images": 500, "lots": lr * 2, "overall.f1": f1, "accuracy": f1, "a.b.c.f1": f1},
        )
        for name, lr, f1 in (("one", 1, 0.5), ("two", 2, 0.6))
    ]
    table = table_of(Experiments(tuple(rows), "overall.f1"))
    assert table.header == ("overall.f1", "lr", "accuracy", "a.b.c.f1", "lots")
    assert table.rows[1].cells == ("0.6", "2", "0.6", "0.6", "4")
    assert table_of(Experiments((rows[0],), "")).header[:2] == ("accuracy", "overall.f1")


def test_charts_have_places_between_lowest_and_highest() -> None:
    data = data_of(table_of(Experiments(ROWS, "accuracy")))
    assert data is not None
    assert data["shares"]["accuracy"] == pytest.approx([0, 0.5, 1])
    assert data["shares"]["lr"] == pytest.approx([0, 1, 0.5])  # by magnitude
    assert data["shares"]["opt"] == [1, 0, 0]
    assert data["logarithmic"] == ["lr"]


def test_two_experiments_make_no_chart() -> None:
    assert data_of(table_of(Experiments(ROWS[:2], "accuracy"))) is None


def test_rank_correlation_is_scipys() -> None:
    source = random.Random(0)
    values = [source.choice([1.0, 2.0, 3.0, 4.0]) for _ in range(30)]
    metric = [value + source.gauss(0, 1) for value in values]
    found = importance([{"a": -value} for value in values], metric)
    assert found["a"] == pytest.approx(abs(spearmanr(values, metric).statistic), abs=1e-4)


def test_texts_and_the_unimportant() -> None:
    params = [{"opt": "ab"[n % 2], "id": f"run{n}", "same": 1, "n": n} for n in range(20)]
    metric = [float(n % 2) for n in range(20)]
    found = importance(params, metric)
    assert found["opt"] == pytest.approx(1)
    assert list(found) == ["opt", "n"]
    assert found["n"] < 0.2
    assert importance(params[:4], metric[:4]) == {}
    assert importance(params, [None] * 20) == {}
    assert importance(params, [1.0] * 20)["opt"] == 0
