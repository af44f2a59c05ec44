"""The table of experiments while they run: what comes first, what is cut."""

from dataclasses import replace

import pytest

from amelio.cli.exp_view import LiveTable, PlainLines
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
    assert rows[-4:] == [f"a-grid-with…-long-name-{number}" for number in (3, 4, 2, 1)]
    assert lines[-1].split(", ") == ["1 queued", "1 running", "1 done", "1 failed"]


def test_without_a_terminal_each_wait_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainLines(None)
    running = experiment(7, Status.RUNNING)
    for stage in ("", "train waits for gpu", "train waits for gpu", "train"):
        view.show([replace(running, stage=stage)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"[{running.name}] starts: as it is", f"[{running.name}] train waits for gpu"]


def test_in_a_narrow_terminal_the_values_still_tell_experiments_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    found = experiment(1, Status.RUNNING)
    values = {"params.yaml": ("train.learning_rate=0.01", "train.batch_size=64")}
    view = LiveTable(None)
    order = replace(found.order, name="grid-1", overrides=values)
    view.show([replace(found, order=order, stage="monitor_drift waits for all jobs")])
    view.close()
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("grid-1")]
    assert row.split()[1:4] == ["learning_rate=0.01", "batch_size=64", "waits"]
