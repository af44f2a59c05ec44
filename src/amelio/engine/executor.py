"""Starts attempts under guards on this machine, and hears how they end."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amelio.engine.guard import zygote
from amelio.engine.locks import stage_lock
from amelio.errors import EnvironmentFailedError
from amelio.model import Usage

JOURNAL = "journal"
LOCKS = "locks"


@dataclass(frozen=True)
class Exit:
    """How an attempt ended; every process of it is dead.

    code: exit code, negative for a signal
    signal: the signal that amelio passed on, 0 when none
    inputs, outputs: fingerprints as the guard found them afterwards
    ended: when (seconds since 1970)
    """

    attempt: str
    code: int
    signal: int
    is_timed_out: bool
    had_stragglers: bool
    usage: Usage
    inputs: dict[str, str]
    outputs: dict[str, str]
    ended: float = 0.0

    @property
    def is_good(self) -> bool:
        """The commands came to their end by themselves, with success."""
        return self.code == 0 and not self.signal and not self.is_timed_out


def exit_of(entry: dict[str, Any]) -> Exit:
    """From a guard's report."""
    usage = Usage(
        wall_s=entry["ended"] - entry["started"],
        cpu_s=entry["cpu_s"],
        peak_bytes=entry["peak_bytes"],
        read_bytes=entry["read_bytes"],
        written_bytes=entry["written_bytes"],
    )
    return Exit(
        attempt=entry["attempt"],
        code=entry["code"],
        signal=entry["signal"],
        is_timed_out=entry["timed_out"],
        had_stragglers=entry["stragglers"],
        usage=usage,
        inputs=entry["inputs"] or {},
        outputs=entry["outputs"] or {},
        ended=entry["ended"],
    )


def how_it_failed(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"its command was ended by signal {-code}"
    return f"its command failed with exit code {code}"


class LocalExecutor:
    """The zygote and its guards. They end when this object is closed, or its process dies."""

    def __init__(self, state_folder: Path) -> None:
        self._state = state_folder
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life_read, self._life = os.pipe()
        argv = [sys.executable, "-I", "-S", zygote.__file__, str(theirs.fileno()), str(life_read)]
        self._process = subprocess.Popen(
            argv,
            pass_fds=(theirs.fileno(), life_read),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        os.close(life_read)
        self._socket = ours
        self._poller = select.poll()
        self._poller.register(ours, select.POLLIN)
        self.running: set[str] = set()

    def start(self, folder: Path, stage: str, order: dict[str, Any]) -> None:
        """Run an order in the form that `zygote.Guard` takes. One that is too long for a message is
        left in the attempt's folder.

        Everything the stage starts holds the stage's lock file while it lives.
        """
        task = {
            "unset": [],
            "journal": str(self._state / JOURNAL),
            "lock": str(stage_lock(self._state / LOCKS, stage)),
            **order,
        }
        text = json.dumps(task)
        if len(text) < zygote.LONGEST_MESSAGE - len("run "):
            self._send(f"run {text}")
        else:
            path = folder / "task.json"
            path.write_text(text, encoding="utf-8")
            self._send(f"read {path}")
        self.running.add(task["attempt"])

    def wait(self, timeout_s: float | None) -> list[dict[str, Any]]:
        """Reports of attempts that ended, as soon as there is one; none after `timeout_s`."""
        reports: list[dict[str, Any]] = []
        while self._poller.poll(0 if reports else None if timeout_s is None else timeout_s * 1000):
            try:
                message = self._socket.recv(1 << 20)
            except ConnectionError:
                message = b""
            if not message:
                raise EnvironmentFailedError("the process that guards the stages has died")
            report = json.loads(message)
            if report["attempt"] in self.running:  # else its guard had told, and died afterwards
                self.running.remove(report["attempt"])
                reports.append(report)
        return reports

    def signal(self, number: int) -> None:
        """Pass a signal on to every running attempt: INT politely, TERM with a grace period, HUP at
        once.
        """
        for attempt in self.running:
            self._send(f"signal {attempt} {number}")

    def serve(self, state_folder: Path) -> None:
        """From now on for a run that has its journal and locks there."""
        self._state = state_folder

    def close(self) -> None:
        """End everything that still runs, and the zygote."""
        self._socket.close()
        os.close(self._life)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _send(self, message: str) -> None:
        try:
            self._socket.send(message.encode())
        except OSError as error:
            raise EnvironmentFailedError("the process that guards the stages has died") from error


class KeptExecutor:
    """One executor for run after run of this process, as starting one takes 20 ms of CPU."""

    def __init__(self) -> None:
        self._kept: LocalExecutor | None = None

    def open(self, state_folder: Path) -> LocalExecutor:
        """The executor, for a run with this state."""
        if self._kept is None:
            self._kept = LocalExecutor(state_folder)
        self._kept.serve(state_folder)
        return self._kept

    def leave(self, executor: LocalExecutor) -> None:
        """The run is over; what it left running is ended."""
        if executor.running:
            executor.close()
            self._kept = None
