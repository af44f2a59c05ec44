"""The live table in a terminal."""

import time
from pathlib import Path

import pytest

from amelio.cli.live import LiveView
from amelio.engine.events import Event, EventKind


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
