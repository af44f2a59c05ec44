"""What must not be seen is taken out of texts for people: secrets, and terminal control codes."""

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

HIDDEN = "***"
SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token(?!s|iz)|credential|private_?key|api_?key|access_?key|"
    r"account_?key|(^|_)key$|_pw$|auth$|connection_?string|sas_?key|alert_urls|webhook",
    re.IGNORECASE,
)
MIN_SECRET = 6  # characters; shorter values would blank out ordinary words

_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_QUERY = re.compile(
    r"([?&][\w.-]*(?:token|key|secret|sig|signature|pass\w*)=)[^&\s]+", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"((?:password|passwd|secret|token|api_?key)[\"']?\s*[=:]\s*)\S+", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without control codes and without what looks like, or is known to be, a secret.

    secrets: values that must not appear; values of environment variables with a secret's name
    are left out as well. Newlines and tabs stay.
    """
    text = printable(text)
    known = _environment_secrets(tuple(os.environ.items()))
    for secret in _longest_first({*secrets, *known}) if secrets else known:
        text = text.replace(secret, HIDDEN)
    text = _USERINFO.sub(HIDDEN, text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text)


def printable(text: str) -> str:
    """`text` without what would command a terminal or turn the direction of writing."""
    return _CONTROL.sub("", text)


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name usually holds a secret (`db.password`, `API_KEY`)."""
    return bool(SECRET_NAME.search(name.rpartition(".")[2]))


def one_line(value: Any, max_length: int = 200) -> str:
    """Any value as one redacted line for a table, cut at `max_length` characters."""
    text = " ".join(redacted(str(value)).split())
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


@lru_cache(maxsize=8)  # a report redacts thousands of texts, and the environment stays
def _environment_secrets(environment: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    values = set()
    for name, value in environment:
        if is_secret_name(name) and not value.startswith(("/", "~")):  # a path to a secret is none
            values.update({value, *value.split()})
    return _longest_first(values)


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    """Those that are long enough; a secret may be a part of another."""
    return tuple(
        sorted((each for each in secrets if len(each) >= MIN_SECRET), key=len, reverse=True)
    )
