"""Runs a module of ours in a process of its own, for a limited time: networks may never answer."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from amelio.dvcio.passthrough import stage_environment


def run_module(module: str, request: object, folder: Path, timeout_s: float) -> str | None:
    """Give `request`, as JSON, to `python -m MODULE` in `folder`; returns what it prints.

    returns: None when its time is over; then it is killed, with what it started
    """
    # -P: nothing is imported from the working directory, which is a foreign repository. A session
    # of its own has no terminal, so no library can ask for a password.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=stage_environment(),
        cwd=folder,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(json.dumps(request), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return printed


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill it and what it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
