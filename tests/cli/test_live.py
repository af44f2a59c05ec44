"""The live table in a terminal."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from amelio.cli.live import LiveView
from amelio.engine.events import Event, EventKind
from amelio.model import Outcome, StageResult


def test_a_long_line_gives_way_to_names_and_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", "70"), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    log = tmp_path / "log"
    log.write_text("the challenger is better " * 20 + "\n")
    view = LiveView()
    view(Event(EventKind.PLANNED, time.time(), n_stages=1))
    view(Event(EventKind.STARTED, time.time() - 65, "compare_models", log=log, expected_s=200))
    time.sleep(0.5)  # two frames
    view.close()
    shown = capsys.readouterr().out
    assert "compare_models" in shown
    assert "1 min 05 s" in shown
    assert "left" in shown
    assert "the challe" in shown


@pytest.fixture
def frames(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[Event]], str]:
    """What a terminal of 90 columns is sent after these events."""
    for name, value in (("COLUMNS", "90"), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)

    def shown(events: list[Event]) -> str:
        view = LiveView()
        for event in events:
            view(event)
        time.sleep(0.5)  # two frames
        view.close()
        return capsys.readouterr().out

    return shown


def test_a_stage_between_two_tries_does_not_count_as_running(
    frames: Callable[[list[Event]], str],
) -> None:
    now = time.time()
    told = frames(
        [
            Event(EventKind.PLANNED, now, n_stages=3),
            Event(EventKind.STARTED, now - 9, "flaky", expected_s=2),
            Event(EventKind.STARTED, now, "steady"),
            Event(EventKind.RETRY, now, "flaky", message="exit code 1; try 2 of 3 in 1 s"),
        ]
    )
    assert "try 2 of 3 in 1 s" in told
    assert "tries again soon" in told
    assert "longer than last time" in told
    assert "0 of 3 stages done, 1 running" in told


def test_rows_for_twenty_stages_and_the_number_of_the_others(
    frames: Callable[[list[Event]], str],
) -> None:
    now = time.time()
    started = [Event(EventKind.STARTED, now, f"stage{i:02}") for i in range(23)]
    told = frames([Event(EventKind.PLANNED, now, n_stages=30), *started])
    assert "stage19" in told
    assert "stage20" not in told.partition("stage19")[2].partition("of 30")[0]
    assert "0 of 30 stages done, 23 running, 3 more" in told


def test_a_failed_stage_leaves_the_table_and_its_line_is_red(
    frames: Callable[[list[Event]], str],
) -> None:
    now = time.time()
    failed = StageResult("train", "train", Outcome.FAILED, message="exit code 3")
    told = frames(
        [
            Event(EventKind.PLANNED, now, n_stages=1),
            Event(EventKind.STARTED, now, "train"),
            Event(EventKind.ENDED, now, "train", result=failed),
        ]
    )
    line = next(line for line in told.splitlines() if "exit code 3" in line)
    assert "\x1b[31m" in line
    assert "1 of 1 stages done, 0 running" in told
