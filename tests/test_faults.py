"""What AMELIO_FAULT can do at a named point."""

import errno
import time

import pytest

from amelio import faults

POINT = "commit.before_rename"


@pytest.mark.parametrize(("action", "code"), [("enospc", errno.ENOSPC), ("eio", errno.EIO)])
def test_an_error_of_the_disk(monkeypatch: pytest.MonkeyPatch, action: str, code: int) -> None:
    monkeypatch.setenv("AMELIO_FAULT", f"{POINT}:{action}")
    faults.reach("commit.after_rename")
    with pytest.raises(OSError, match=POINT) as caught:
        faults.reach(POINT)
    assert caught.value.errno == code


def test_a_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setenv("AMELIO_FAULT", f"{POINT}:sleep")
    faults.reach(POINT)
    assert slept == [faults.SLEEP_S]
