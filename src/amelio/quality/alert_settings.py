"""Where alerts go: from the environment or the user's own settings, never from a repository."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_config_path
from pydantic import BaseModel, BeforeValidator, ConfigDict

from amelio.checked_yaml import checked, read_yaml
from amelio.errors import InputError
from amelio.quality.addresses import Network

URLS = "AMELIO_ALERT_URLS"
ALLOW = "AMELIO_ALERT_ALLOW"
_PASSWORD = re.compile(r"://[^/@]*:([^/@]+)@")
_WORD = re.compile(r"[\w~+-]{8,}")


def _network(text: Any) -> Network:
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError as error:
        raise ValueError("expected an address or a network, like 10.1.2.3 or 10.0.0.0/8") from error


@dataclass(frozen=True)
class AlertSettings:
    """urls: apprise's, one a service; allow: private networks that they may reach."""

    urls: tuple[str, ...] = ()
    allow: tuple[Network, ...] = ()

    def __repr__(self) -> str:
        return f"AlertSettings({len(self.urls)} urls)"  # the URLs hold passwords

    def secrets(self) -> list[str]:
        """What must not be shown: the URLs, their passwords, and what in them looks like a key."""
        found = [*self.urls]
        for url in self.urls:
            found += _PASSWORD.findall(url)
            found += [word for word in _WORD.findall(url) if any(map(str.isdigit, word))]
        return found


class _Alerts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    urls: list[str] = []
    allow: list[Annotated[Any, BeforeValidator(_network)]] = []


class _UserFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    alerts: _Alerts = _Alerts()


def user_file() -> Path:
    """The user's own settings of amelio, outside of every repository."""
    return user_config_path("amelio", appauthor=False) / "config.yaml"


def load_alert_settings(environment: Mapping[str, str] | None = None) -> AlertSettings:
    """The environment's URLs and networks; where it has none, those of `user_file()`.

    Raises InputError for a wrong key or network; no message holds a URL.
    """
    known = os.environ if environment is None else environment
    path = user_file()
    alerts = checked(read_yaml(path), _UserFile, path).alerts if path.exists() else _Alerts()
    urls = known[URLS].split() if known.get(URLS) else alerts.urls
    allow = alerts.allow
    if known.get(ALLOW):
        try:
            allow = [_network(word) for word in known[ALLOW].replace(",", " ").split()]
        except ValueError as error:
            raise InputError(f"{ALLOW}: {error}") from error
    return AlertSettings(tuple(urls), tuple(allow))
