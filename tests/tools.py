"""What tests need beside Python: programs, and signals that are heard."""

import os
import signal
from typing import NoReturn

import pytest


def skip_without(program: str, hint: str) -> NoReturn:
    """Skip the test; where everything must run, fail it."""
    reason = f"needs {program}: {hint}"
    if os.environ.get("AMELIO_TESTS_COMPLETE"):
        pytest.fail(reason)
    pytest.skip(reason)


def hear_signals() -> None:
    """Also where the tests run in the background, which ignores signals, ours are to be heard."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
