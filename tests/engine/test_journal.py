"""The journal: torn and damaged lines, what is open, what compacting keeps."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amelio.engine.guard import journal_line
from amelio.engine.journal import Entry, Journal


def test_what_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(Entry.STARTED, attempt="1", stage="a")
    journal.append(Entry.STARTED, attempt="2", stage="b")
    journal.append(Entry.EXITED, attempt="2", code=0)
    journal.append(Entry.STARTED, attempt="3", stage="c")
    journal.append(Entry.PROBED, stage="c", signature="x", value=1)
    journal.close(["3"], "recorded")
    for _ in range(2):
        found = journal.open_attempts()
        assert [(a.attempt, a.exited is not None) for a in found] == [("1", False), ("2", True)]
        assert journal.probes()["c"]["value"] == 1
        journal.compact()


@given(st.integers(0, 400), st.binary(max_size=8))
def test_a_torn_or_damaged_line_is_dropped_and_no_other(at: int, garbage: bytes) -> None:
    lines = [journal_line.encode({"kind": "started", "attempt": str(n)}) for n in range(6)]
    content = b"".join(lines)
    at = min(at, len(content))
    torn = content[:at] + garbage
    whole = [journal_line.decode(line) for line in torn.split(b"\n")]
    kept = [entry["attempt"] for entry in whole if entry]
    n_before = len(content[:at].splitlines()) - (
        1 if content[:at] and content[at - 1 : at] != b"\n" else 0
    )
    assert kept[:n_before] == [str(n) for n in range(n_before)]
    assert len(kept) <= n_before + 1


def test_what_comes_after_a_torn_line_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(Entry.STARTED, attempt="1", stage="a")
    with journal.path.open("ab") as file:
        file.write(journal_line.encode({"kind": "started", "attempt": "2"})[:-7])
    journal.close(["1"], "put back")
    assert not journal.open_attempts()


def test_a_line_that_does_not_fit_on_the_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: real(handle, content[:9]))
    with pytest.raises(OSError, match="No space left"):
        Journal(tmp_path / "journal").append(Entry.STARTED, attempt="1", stage="a")
