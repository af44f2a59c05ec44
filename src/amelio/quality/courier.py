"""A program of its own that hands one message to apprise; what it may connect to is guarded.

It reads a request as JSON from stdin, so that no URL stands in a command line, and prints one
line of JSON for each URL, in the order in which they are done.
"""

import contextvars
import ipaddress
import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

from amelio.quality.addresses import Network, refusal

MAX_MEMORY_BYTES = 2 * 1024**3  # an endpoint that answers without end is stopped by this
MAX_LIFE_S = 30  # when the parent was killed and cannot end us
_STATUS = re.compile(r"error=(\d{3})\b")
_refused: contextvars.ContextVar[list[str]] = contextvars.ContextVar("refused")


class RefusedAddressError(PermissionError):
    """A connection to an address that the user did not allow."""


def main() -> None:
    """Send the request on stdin; the parent ends us when the time is up."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what a service's client prints may hold its URL
        os.dup2(silence, stream)
    _limit_ourselves()
    guard_connections([ipaddress.ip_network(each) for each in request["allowed"]])
    lock = threading.Lock()
    threads = [
        threading.Thread(target=_deliver, args=(at, url, request, answers, lock), daemon=True)
        for at, url in enumerate(request["urls"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def guard_connections(allowed: Sequence[Network]) -> None:
    """From now on every connection of this process is checked at the address that it goes to.

    An audit hook sees what the socket gets, after name resolution: a name that resolves to
    something else a moment later, or a redirect, gains nothing. It cannot be taken out again.
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            why = refusal(arguments[1], allowed)
            if why is not None:
                _refused.get([]).append(why)
                raise RefusedAddressError(why)

    sys.addaudithook(hook)


def _deliver(
    at: int, url: str, request: dict[str, Any], answers: IO[str], lock: threading.Lock
) -> None:
    reasons: list[str] = []
    _refused.set(reasons)
    try:
        problem = _send(url, request)
    except Exception as error:  # a client's bug is a missed alert, not a crash: the border
        problem = f"the service's client failed ({type(error).__name__})"
    if reasons and problem:
        problem = f"refused: {reasons[0]}"
    with lock:
        answers.write(json.dumps({"at": at, "problem": problem}) + "\n")
        answers.flush()


def _send(url: str, request: dict[str, Any]) -> str:
    """Hand the message to one service; returns what went wrong, or nothing."""
    import apprise
    import requests

    requests.Session.get_redirect_target = lambda *_: None  # type: ignore[method-assign]
    asset = apprise.AppriseAsset(http_redirects=False, app_id="amelio", app_desc="amelio")
    service = apprise.Apprise(asset=asset)
    if not service.add(url):
        return "not a URL that apprise knows, or its package is not installed"
    result = service.notify(
        body=request["body"],
        title=request["title"],
        notify_type=apprise.NotifyType(request["kind"]),
        body_format=apprise.NotifyFormat.TEXT,
        log_level=logging.WARNING,
    )
    if result:
        return ""
    said = " ".join(str(getattr(entry, "message", entry)) for entry in result.logs())
    status = _STATUS.search(said)  # the rest of it may hold the URL
    return f"answered with status {status[1]}" if status else "could not be reached"


def _limit_ourselves() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        signal.alarm(MAX_LIFE_S)


if __name__ == "__main__":
    main()
