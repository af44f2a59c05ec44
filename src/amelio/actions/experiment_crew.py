"""The process behind the terminal: starts a crew in it, hears how it ends."""

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from amelio.errors import AmelioError, EnvironmentFailedError
from amelio.experiments.home import Home
from amelio.experiments.lifeline import end_with_parent

READY = b"+"
GO_ON = "`amelio exp run --run-all` goes on"


@dataclass
class CrewProcess:
    """A crew at work, seen from the process that started it.

    code: its exit code once it has ended; None before
    trouble: why it could not work
    """

    pid: int
    _said: int
    code: int | None = None
    trouble: str = ""
    _heard: bytes = field(default=b"", repr=False)

    def is_at_work(self) -> bool:
        """Whether it still is; does not wait."""
        if self.code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.code = os.waitstatus_to_exitcode(status)
                while chunk := os.read(self._said, 65536):
                    self._heard += chunk
                os.close(self._said)
                self.trouble = self._heard.lstrip(READY).decode(errors="replace")
        return self.code is None

    def wait_until_ready(self) -> None:
        """Wait until its first worker is about to start, or it has ended."""
        self._heard += os.read(self._said, 1)

    def tell(self, number: int) -> None:
        """Send it a signal; the first lets it give back what runs, the second kills."""
        if self.code is None:
            os.kill(self.pid, number)


def start(home: Home, jobs: int, batch: str | None, *, is_detached: bool) -> CrewProcess:
    """Start a crew for what waits (of `batch`).

    is_detached: it goes on when this process ends; else it ends with it
    """
    home.folder.mkdir(parents=True, exist_ok=True)
    heard, said = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(said)
        return CrewProcess(pid, heard)
    code = 3
    try:
        os.close(heard)
        code = _be_the_crew(home, jobs, batch, said, None if is_detached else parent)
    finally:
        os._exit(code)


def _be_the_crew(home: Home, jobs: int, batch: str | None, said: int, parent: int | None) -> int:
    os.setsid()
    if parent is not None:
        end_with_parent(parent, signal.SIGTERM)
    _leave_terminal(home.folder / "crew.log")
    from amelio.actions.experiment_queue import run_queue

    try:
        number = run_queue(home, jobs, batch, lambda: os.write(said, READY), parent)
    except AmelioError as error:
        os.write(said, READY + str(error).encode())
        return error.exit_code
    except Exception:  # the border of the process: the log has it, the user is told where
        import traceback

        traceback.print_exc()
        os.write(said, READY + f"a bug of ours; see {home.folder / 'crew.log'}".encode())
        return 3
    return 128 + number if number else 0


def _leave_terminal(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(nothing, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)


def require_success(crew: CrewProcess) -> None:
    """Raises EnvironmentFailedError when the crew was killed or could not work."""
    if crew.trouble:
        raise EnvironmentFailedError(crew.trouble, hint=f"what is queued waits: {GO_ON}")
    if crew.code is not None and crew.code < 0:
        raise EnvironmentFailedError(
            f"the process that runs the experiments was ended by signal {-crew.code}",
            hint=f"nothing is lost: {GO_ON}",
        )
