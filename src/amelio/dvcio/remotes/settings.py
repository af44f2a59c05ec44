"""What of a remote's settings is a credential, and must not stand in a committed file."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from amelio.dvcio.project import dvc_root
from amelio.errors import InputError

CREDENTIALS = frozenset(
    [
        "access_key_id", "secret_access_key", "session_token", "sse_customer_key",
        "connection_string", "account_key", "sas_token", "client_secret",
        "password", "passphrase", "token", "oss_key_id", "oss_key_secret",
        "gdrive_client_id", "gdrive_client_secret",
    ]
)  # fmt: skip
USER_IN_OPTIONS = frozenset(["http", "https", "ssh", "webdav", "webdavs", "webhdfs"])
IGNORED = ".dvc/config.local"


@dataclass(frozen=True)
class SafeUrl:
    """A remote's URL without its credentials.

    options: what takes their place, for `remote modify`; secret ones among them are CREDENTIALS
    """

    url: str
    options: dict[str, str]


def is_credential(option: str, value: str | None) -> bool:
    """Whether `remote modify NAME option value` sets what only its owner may know."""
    return option in CREDENTIALS or (option == "url" and bool(value) and has_password(value or ""))


def has_password(url: str) -> bool:
    """Whether a URL has a password in it."""
    return bool(urlsplit(url).password)


def without_password(url: str) -> SafeUrl | None:
    """The URL and the options of DVC that hold its user and password.

    None for a kind of remote that has no such options.
    """
    parts = urlsplit(url)
    if parts.scheme not in USER_IN_OPTIONS:
        return None
    options = {"user": parts.username or "", "password": parts.password or ""}
    if parts.scheme in ("http", "https"):
        options["auth"] = "basic"
    return SafeUrl(_without_user(parts), {name: value for name, value in options.items() if value})


def local_section(name: str) -> dict[str, str]:
    """What `.dvc/config.local` has about a remote; none outside of a repository."""
    return _remotes("local").get(name.lower(), {})


def url_of(name: str) -> str | None:
    """A remote's URL in the committed settings or in the user's own ones."""
    found = _remotes("repo").get(name.lower(), {})
    return found.get("url")


def rename_locally(name: str, new: str) -> None:
    """As `dvc remote rename --local`, which refuses a name that the committed settings have."""
    from dvc.config import Config

    with Config.from_cwd(validate=False).edit("local") as settings:
        settings["remote"][new.lower()] = settings["remote"].pop(name.lower())


def _remotes(level: str) -> dict[str, dict[str, str]]:
    from dvc.config import Config

    found: dict[str, dict[str, str]] = Config.from_cwd(validate=False).read(level)["remote"]
    return found


def require_ignored(folder: Path) -> None:
    """Raises InputError when Git would commit the file that credentials go to."""
    root = dvc_root(folder)
    if root is None:
        return
    inside = ["git", "rev-parse", "--git-dir"]
    if subprocess.run(inside, cwd=root, capture_output=True).returncode:
        return
    if subprocess.run(["git", "check-ignore", "--quiet", IGNORED], cwd=root).returncode:
        raise InputError(
            "Git does not ignore this file, so a credential must not go there",
            path=root / IGNORED,
            hint="add the line /config.local to .dvc/.gitignore; if Git tracks the file: "
            f"git rm --cached {IGNORED}",
        )


def _without_user(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host))
