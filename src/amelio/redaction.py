"""What must not be seen is taken out of texts for people: secrets, and terminal control codes."""

import os
import re
from collections.abc import Iterable, Mapping
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
_ASSIGNED = re.compile(r"((?:password|passwd|secret|token|api_?key)\s*[=:]\s*)\S+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without control codes and without what looks like, or is known to be, a secret.

    secrets: values that must not appear; values of environment variables with a secret's name
    are left out as well. Newlines and tabs stay.
    """
    text = _CONTROL.sub("", text)
    known = {*secrets, *_environment_secrets(os.environ)}
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, HIDDEN)
    text = _USERINFO.sub(HIDDEN, text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text)


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name usually holds a secret (`db.password`, `API_KEY`)."""
    return bool(SECRET_NAME.search(name.rpartition(".")[2]))


def one_line(value: Any, max_length: int = 200) -> str:
    """Any value as one redacted line for a table, cut at `max_length` characters."""
    text = " ".join(redacted(str(value)).split())
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def _environment_secrets(environment: Mapping[str, str]) -> set[str]:
    values = set()
    for name, value in environment.items():
        if is_secret_name(name) and not value.startswith(("/", "~")):  # a path to a secret is none
            values.update({value, *value.split()})
    return values
