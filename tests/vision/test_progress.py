"""How far a long loop is: a bar on a terminal, a line elsewhere."""

import os
import pty
import select
import sys

import pytest

from amelio.vision.progress import progress


def test_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress("Training", 4, "epochs") as advance:
            advance(1)
            advance(3)
        monkeypatch.undo()
        shown = ""
        while "4/4" not in shown and select.select([screen], [], [], 10)[0]:
            shown += screen.read(100_000).decode()
    assert "Training" in shown
    assert "0/4" in shown  # from the beginning
    assert "4/4" in shown
    assert "━━━" in shown
    assert "\x1b[2K" in shown  # one line, drawn again and again
    assert capsys.readouterr() == ("", "")


def test_a_line_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("predicting s1", 4) as advance:
        advance(1)
        advance(3)
    said, told = capsys.readouterr()
    assert said == ""
    assert told.startswith("predicting s1: 4 images in 0.0 s (")
    assert told.count("\n") == 1
