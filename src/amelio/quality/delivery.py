"""Messages to the user's own places: sent by a courier process that has ten seconds at most."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from amelio.quality.alert_settings import AlertSettings

LIMIT_S = 7.0  # with the processes' start and end, a check costs less than ten seconds more
COURIER = "amelio.quality.courier"
_SERVICE = re.compile(r"([a-z][a-z0-9+]{1,20})://", re.IGNORECASE)


class Kind(StrEnum):
    """How a service colours a message; apprise's words."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Message:
    """One message; its texts are redacted already."""

    kind: Kind
    title: str
    body: str


@dataclass(frozen=True)
class Delivery:
    """What became of a message at one URL.

    service: the URL's number and scheme, `1 (mailtos)`: all of it that may be shown
    problem: why it did not arrive; empty if it did
    """

    service: str
    problem: str


def deliver(
    message: Message, settings: AlertSettings, limit_s: float = LIMIT_S
) -> tuple[Delivery, ...]:
    """Send `message` to every URL at once; never raises for a service that does not work."""
    if importlib.util.find_spec("apprise") is None:
        problem = "alerts need apprise: pip install 'amelio[alerts]'"
        return tuple(Delivery(name, problem) for name in _services(settings.urls))
    request = {
        "urls": settings.urls,
        "allowed": [str(network) for network in settings.allow],
        "kind": message.kind,
        "title": message.title,
        "body": message.body,
    }
    answers = _answers(json.dumps(request), limit_s)
    late = f"no answer within {limit_s:g} s"
    return tuple(
        Delivery(name, answers.get(at, late)) for at, name in enumerate(_services(settings.urls))
    )


def _services(urls: Sequence[str]) -> list[str]:
    found = [_SERVICE.match(url) for url in urls]
    return [f"{at} ({match[1] if match else '?'})" for at, match in enumerate(found, start=1)]


def _answers(request: str, limit_s: float) -> dict[int, str]:
    """Problem by number of the URL, of those that were done in time."""
    # -P: a file apprise.py in the repository must not be imported, and get the URLs
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", COURIER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(request, timeout=limit_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        output, _ = process.communicate()
    finally:
        _kill(process)
    lines = [json.loads(line) for line in output.splitlines() if line.endswith("}")]
    return {line["at"]: line["problem"] for line in lines}


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
