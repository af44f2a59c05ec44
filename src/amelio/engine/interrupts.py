"""Ctrl-C and its relatives: the first asks politely, the second does not."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

POLL_S = 0.1
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Interrupts:
    """Notes signals instead of letting them fly; passes them on to what runs.

    number: the first signal that came, 0 while none did
    """

    def __init__(self) -> None:
        self.number = 0
        self._is_forwarded = False
        self._forward: Callable[[int], None] | None = None

    def came(self) -> bool:
        """Whether a signal came."""
        return bool(self.number)

    def sleep(self, duration_s: float) -> None:
        """Pause, but no longer than until a signal comes."""
        until = time.monotonic() + duration_s
        while not self.number and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(left_s, POLL_S))

    @contextmanager
    def caught(self) -> Iterator["Interrupts"]:
        """While inside, signals are noted, but for those that were to be ignored (`nohup`).

        Only in the main thread; elsewhere nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        heard = [n for n in HANDLED if signal.getsignal(n) is not signal.SIG_IGN]
        old = {number: signal.signal(number, self._note) for number in heard}
        try:
            yield self
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    @contextmanager
    def forwarding(self, forward: Callable[[int], None]) -> Iterator[None]:
        """While inside (waiting), pass signals on as they come."""
        self._forward = forward
        try:
            self._pass_on()
            yield
        finally:
            self._forward = None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number:
            self.number = number if number != signal.SIGINT else self.number
            if self._forward:
                self._forward(signal.SIGHUP)  # the guards take this as: kill now
                return
            raise KeyboardInterrupt
        self.number = number
        self._pass_on()

    def _pass_on(self) -> None:
        if self.number and self._forward and not self._is_forwarded:
            self._is_forwarded = True
            self._forward(signal.SIGINT if self.number == signal.SIGINT else signal.SIGTERM)
