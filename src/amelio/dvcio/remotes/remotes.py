"""Remotes: which there are, and what one answers within a time limit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from amelio.dvcio.bounded_process import run_module
from amelio.dvcio.cache.storage import objects_of
from amelio.dvcio.workspace import DvcWorkspace
from amelio.redaction import one_line

ASKED_BY_BROWSER = ("gdrive",)


@dataclass(frozen=True)
class RemoteFact:
    """A remote as configured; url is redacted."""

    name: str
    url: str
    scheme: str
    is_default: bool

    @property
    def is_local(self) -> bool:
        """A folder of this machine."""
        return self.scheme == ""


@dataclass(frozen=True)
class RemoteAnswer:
    """What a remote answered.

    problem: why it did not, on one line; step: what it failed at
    missing: hashes asked for that it does not have
    read_s, write_s: seconds; None where that was not tried, or failed
    """

    problem: str = ""
    step: str = ""
    missing: tuple[str, ...] = ()
    n_files: int | None = None
    size_bytes: int | None = None
    read_s: float | None = None
    write_s: float | None = None


def remotes(workspace: DvcWorkspace) -> tuple[RemoteFact, ...]:
    """Every remote, the default one first."""
    config = workspace.repo.config
    default = config["core"].get("remote")
    found = []
    for name, options in config["remote"].items():
        url = str(options.get("url", ""))
        scheme = urlsplit(url).scheme if "://" in url else ""
        if scheme == "remote":  # built upon another remote
            base = config["remote"].get(urlsplit(url).netloc, {})
            scheme = urlsplit(str(base.get("url", ""))).scheme
        found.append(RemoteFact(name, one_line(url), scheme, name == default))
    return tuple(sorted(found, key=lambda each: not each.is_default))


def input_objects(workspace: DvcWorkspace) -> dict[str, tuple[str, ...]]:
    """Data that DVC keeps and no stage makes, by path: the hashes of its files.

    Imports are left out: they can be had from their source again.
    """
    found = {}
    for out in workspace.repo.index.outs:
        if not out.stage.cmd and not out.stage.is_import and out.use_cache:
            found[str(out)] = tuple(objects_of(out))
    return found


def ask(
    root: Path,
    name: str,
    timeout_s: float,
    *,
    oids: Sequence[str] = (),
    is_sized: bool = False,
    is_written: bool = False,
) -> RemoteAnswer:
    """Ask a remote in a process of its own, for at most `timeout_s`.

    oids: hashes to look for
    is_sized: add up all its files
    is_written: write, read and remove a small file
    """
    request = {
        "root": str(root),
        "remote": name,
        "oids": list(oids),
        "is_sized": is_sized,
        "is_written": is_written,
    }
    printed = run_module("amelio.dvcio.remotes.probe", request, root, timeout_s)
    if printed is None:
        return RemoteAnswer(f"no answer within {timeout_s:g} s", "waiting")
    return _parsed(printed)


def _parsed(printed: str) -> RemoteAnswer:
    try:
        raw = json.loads(printed)
    except ValueError:
        return RemoteAnswer("the process that asked it died", "asking")
    return RemoteAnswer(
        problem=one_line(raw.get("problem", ""), 300),
        step=str(raw.get("step", "")),
        missing=tuple(raw.get("missing", ())),
        n_files=raw.get("n_files"),
        size_bytes=raw.get("size_bytes"),
        read_s=raw.get("read_s"),
        write_s=raw.get("write_s"),
    )
