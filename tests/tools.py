"""Programs that tests need beside Python's."""

import os
from typing import NoReturn

import pytest


def skip_without(program: str, hint: str) -> NoReturn:
    """Skip the test; where everything must run, fail it."""
    reason = f"needs {program}: {hint}"
    if os.environ.get("AMELIO_TESTS_COMPLETE"):
        pytest.fail(reason)
    pytest.skip(reason)
