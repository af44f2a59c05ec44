"""The table of experiments while they run: what comes first, what is cut."""

from dataclasses import replace
from pathlib import Path

import pytest

from amelio.cli.exp_view import LiveTable, PlainLines, shown_metric
from amelio.experiments.entry import Experiment, Order, Status


def experiment(number: int, status: Status, ended: float | None = None) -> Experiment:
    """One of a grid."""
    order = Order(f"a-grid-with-quite-a-long-name-{number}", "b" * 40, "c" * 40, {})
    return Experiment(number, order, status, "batch", 1.0, started=2.0, ended=ended)


def test_what_runs_then_the_latest_results_then_what_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = LiveTable(None)
    view.show(
        [
            experiment(1, Status.QUEUED),
            experiment(2, Status.DONE, ended=3.0),
            experiment(3, Status.RUNNING),
            experiment(4, Status.FAILED, ended=9.0),
        ]
    )
    view.close()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[0] for line in lines if line.startswith("a-grid-w")]
    assert rows[-4:] == [f"a-grid-with-qu…-a-long-name-{number}" for number in (3, 4, 2, 1)]
    assert lines[-1].split(", ") == ["1 queued", "1 running", "1 done", "1 failed"]


def test_what_was_given_back_and_waits_again_takes_no_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = LiveTable(None)
    view.show([experiment(1, Status.QUEUED)])
    view.close()
    assert capsys.readouterr().out.splitlines()[-2].split()[1:] == ["queued"]


def test_without_a_terminal_each_wait_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainLines(None)
    running = experiment(7, Status.RUNNING)
    waits = ("train waits for gpu", "drift waits for a job")
    for stage in ("", waits[0], waits[0], "train", *waits, *waits):
        view.show([replace(running, stage=stage)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"[{running.name}] {text}" for text in ("starts: as it is", *waits)]


def _grid(number: int, **values: str) -> Experiment:
    return _with(number, *(f"train.{name}={value}" for name, value in values.items()))


def _with(number: int, *overrides: str) -> Experiment:
    found = experiment(number, Status.RUNNING)
    order = replace(found.order, name=f"grid-{number}", overrides={"params.yaml": overrides})
    return replace(found, order=order, stage="monitor_drift waits for all jobs")


def _shown(
    experiments: list[Experiment], capsys: pytest.CaptureFixture[str]
) -> tuple[str, list[list[str]]]:
    view = LiveTable(None)
    view.show(experiments)
    view.close()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[1:] for line in lines if line.startswith("grid-")]
    return next(line for line in lines if line.startswith("experiment")), rows


def test_in_a_narrow_terminal_the_values_still_tell_experiments_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    grid = [_grid(i, learning_rate="0.01", batch_size=str(32 * i)) for i in (1, 2)]
    title, rows = _shown(grid, capsys)
    assert "learning_rate, batch_" in title
    assert [row[:3] for row in rows] == [["0.01,", "32", "waits"], ["0.01,", "64", "waits"]]


def test_experiments_that_set_different_things_name_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    mixed = [_grid(1, learning_rate="0.01", batch_size="64"), _grid(2, epochs="3"), _grid(3)]
    title, rows = _shown(mixed, capsys)
    assert "values" in title
    assert [row[0] for row in rows] == ["learning_rate=0.01", "epochs=3", "waits"]
    assert rows[0][1] == "batch_size=64"


def test_names_that_end_alike_are_told_in_full(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    pairs = [(f"train.rate={i}", f"eval.rate={i + 1}") for i in (1, 2)]
    title, rows = _shown([_with(i, *pair) for i, pair in enumerate(pairs)], capsys)
    assert "values" in title
    assert [tuple(row[:2]) for row in rows] == pairs


@pytest.mark.parametrize("place", ["params.yaml", "amelio.yaml"])
def test_the_metric_is_that_of_the_first_rule_that_names_one(tmp_path: Path, place: str) -> None:
    assert shown_metric(tmp_path) is None
    rules = "{a: {expression: 1 < 2}, b: {metric: 'm.json:accuracy', alert_below: 0.5}}"
    (tmp_path / place).write_text(f"quality: {{rules: {rules}}}\n")
    assert shown_metric(tmp_path) == "m.json:accuracy"


def test_a_long_name_has_the_room_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = experiment(1, Status.DONE, ended=3.0)
    for columns, shown in (("73", "a-grid-with…-long-name-1"), ("100", found.name)):
        monkeypatch.setenv("COLUMNS", columns)
        view = LiveTable("metrics/scores.json:overall.average_accuracy")
        view.show([found])
        view.close()
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2].split()[0] == shown
        assert "  average_accuracy" in lines[-3]
