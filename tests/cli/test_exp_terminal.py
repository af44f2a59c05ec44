"""The table of experiments in a terminal: what tells most, as far as there is room."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from amelio.cli.exp_terminal import LONGEST_WHY, as_terminal_text
from amelio.dvcio.experiments.snapshots import Snapshot
from amelio.dvcio.experiments.states import BaselineState, ExperimentState
from amelio.experiments.table import RunFacts, Table, table_of

BASE = "e" * 40
NOTE = "more columns: --keep REGEX shows some"


def snapshot(commit: str, n: int) -> Snapshot:
    """A commit with figures by the dozen, of which some depend on `n`."""
    scores = {
        "overall": {"average_accuracy": 0.5, "n_images": 100},
        "classes": {f"{number}": {"recall": number + n} for number in range(40)},
    }
    train = {"loss": 1 / (1 + n), "params": {"rate": n}, "latency_ms": 3}
    params = {"train": {"rate": n / 10, "epochs": 10}, "data": {"batch": n, "seed": 1}}
    return Snapshot(
        commit,
        params={"params.yaml": {"data": params}},
        metrics={"scores.json": {"data": scores}, "train.json": {"data": train}},
        deps={"src/train.py": {"hash": "abc", "size": 1, "nfiles": None}},
    )


@pytest.fixture
def table() -> Table:
    """Two experiments, the second of which has failed for a long reason."""
    states = tuple(ExperimentState(f"exp-{n}", (snapshot(f"{n}" * 40, n),)) for n in (1, 2))
    facts = {"2" * 40: RunFacts(3.0, "no memory left " * 30)}
    return table_of([BaselineState(snapshot(BASE, 0), "main", states)], facts)


def lines(text: str) -> list[str]:
    """Without styles."""
    return re.sub(r"\x1b\[\d*m", "", text).splitlines()


def header(table: Table, width: int, *first: str) -> list[str]:
    """The columns that are shown; none is wider than the terminal."""
    wanted = {column for column in table.columns if column.name in first}
    shown = lines(as_terminal_text(table, 5, width, wanted))
    assert max(map(len, shown)) <= width
    return shown[0].split()


def test_what_differs_and_the_metric_that_counts_come_first(table: Table) -> None:
    narrow = header(table, 66, "overall.average_accuracy")
    assert narrow == ["Experiment", "average_accuracy", "loss", "rate", "batch"]
    wide = header(table, 120, "overall.average_accuracy")
    assert set(narrow) | {"Created", "Duration", "Why"} <= set(wide)
    assert not {"epochs", "seed", "n_images", "latency_ms", "src/train.py"} & set(wide)


def test_a_plain_figure_comes_before_times(table: Table) -> None:
    assert {"rate", "batch", "loss"} <= set(header(table, 66))
    text = as_terminal_text(table, 5, 45, ())
    assert lines(text)[0].split() == ["Experiment", "loss", "rate", "batch"]


def test_it_says_how_many_columns_are_left_out(table: Table) -> None:
    shown = lines(as_terminal_text(table, 5, 70, ()))
    n_shown = len(shown[0].split())
    n_all = len(table.columns) + len(("Experiment", "Created", "Duration", "Why"))
    assert shown[-1].startswith(f"{n_all - n_shown} {NOTE}")


def test_names_that_end_alike_stay_whole(table: Table) -> None:
    assert "classes.7.recall" in header(table, 120, "classes.7.recall")
    both = header(table, 90, "params.rate", "train.rate")
    assert {"params.rate", "train.rate"} <= set(both)


def test_a_long_reason_is_cut(table: Table) -> None:
    shown = lines(as_terminal_text(table, 5, 140, ()))
    assert "Why" in shown[0]
    assert max(map(len, shown)) == 140
    why = shown[4][shown[0].index("Why") :]
    assert len(why) >= LONGEST_WHY
    assert why == f"{'no memory left ' * 30:.{len(why) - 1}}…"


def test_why_one_failed_gives_way_after_the_parameters_that_differ(table: Table) -> None:
    narrow = header(table, 80, "overall.average_accuracy")
    assert narrow == ["Experiment", "average_accuracy", "rate", "batch", "Why"]
    assert "Why" not in header(table, 66, "overall.average_accuracy")


def test_wide_letters_of_a_reason_stay_in_the_terminal(table: Table) -> None:
    rows = tuple(replace(row, facts=RunFacts(3.0, "内存不足" * 30)) for row in table.rows)
    shown = lines(as_terminal_text(replace(table, rows=rows), 5, 80, ()))
    assert "Why" in shown[0]
    assert max(map(cell_len, shown)) <= 80


def test_nothing_is_said_where_only_names_and_reasons_are_shorter(table: Table) -> None:
    few = tuple(column for column in table.columns if "train" in column.name)
    shown = lines(as_terminal_text(Table(few, table.rows), 5, 90, ()))
    assert shown[0].split() == ["Experiment", "Created", "Duration", "rate", "epochs", "Why"]
    assert len(shown) == len(table.rows) + 2


def test_what_fits_is_as_dvc_has_it(table: Table) -> None:
    few = tuple(column for column in table.columns if "train" in column.name)
    rows = tuple(replace(row, facts=RunFacts()) for row in table.rows)
    shown = lines(as_terminal_text(Table(few, rows), 5, 80, ()))
    assert shown[0].split() == ["Experiment", "Created", "train.rate", "train.epochs"]
    assert not any(NOTE in line for line in shown)
