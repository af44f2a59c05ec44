"""What can be seen of a set-up: cache, links, disks, remotes, committed settings."""

import os
import platform
import re
import shutil
import stat as stat_flags
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import amelio
from amelio.dvcio.cache.storage import CacheFacts
from amelio.dvcio.facts.facts import StageFact
from amelio.dvcio.git.facts import git_facts, git_output
from amelio.dvcio.remotes.remotes import (
    ASKED_BY_BROWSER,
    RemoteAnswer,
    RemoteFact,
    ask,
    remotes,
)
from amelio.dvcio.remotes.settings import IGNORED, is_credential
from amelio.dvcio.repository import foreign_database
from amelio.dvcio.workspace import DvcWorkspace

SAMPLE_BYTES = 16 * 1024**2
ROUNDS = 3
CONFIG = ".dvc/config"
_SETTING = re.compile(r"^\+?\s*(\w+)\s*=\s*(.*)$")
_REMOTE = re.compile(r"""^[+ ]?\s*\['?remote "?([^"'\]]+)"?'?\]""")
MAX_COMMITS = 2_000


@dataclass(frozen=True)
class LinkSpeed:
    """A kind of link from the workspace into the cache; seconds: of SAMPLE_BYTES, None: no such."""

    kind: str
    seconds: float | None


@dataclass(frozen=True)
class CommittedSecret:
    """A credential in a committed file; commit: the newest that has it, None while it is there."""

    remote: str
    option: str
    commit: str | None


@dataclass(frozen=True)
class SharedCache:
    """Rights of a cache outside of the repository.

    is_group: DVC is told to share it; mode: of its folder
    n_locked: folders in it in which this user cannot write
    """

    is_group: bool
    mode: int
    n_locked: int


@dataclass(frozen=True)
class HealthFacts:
    """All that `insight.health` judges.

    git: its version, None without Git; has_commit: None outside of a Git repository
    free_bytes: on the disk of the cache, and of the workspace
    need_bytes: all outputs of the pipeline once
    copied_bytes: files of the workspace that are copies of the cache's
    foreign_database: where DVC keeps its databases, when they are another user's
    """

    versions: dict[str, str]
    git: str | None
    has_commit: bool | None
    is_shallow: bool
    cache: CacheFacts
    is_cache_writable: bool
    is_same_disk: bool
    shared: SharedCache | None
    links: tuple[LinkSpeed, ...]
    free_bytes: tuple[int, int]
    need_bytes: int
    remotes: tuple[tuple[RemoteFact, RemoteAnswer | None], ...]
    secrets: tuple[CommittedSecret, ...]
    is_local_config_tracked: bool
    foreign_database: str | None

    @property
    def copied_bytes(self) -> int:
        """What the workspace holds a second time."""
        return sum(use.size_bytes for use in self.cache.links if use.kind == "copy")


def health_facts(
    workspace: DvcWorkspace, stages: tuple[StageFact, ...], cache: CacheFacts, timeout_s: float
) -> HealthFacts:
    """Look at everything; writes a sample into the cache's folder, and a small file into each
    remote, and removes them.
    """
    root = workspace.root
    git = git_facts(root)
    place = _nearest(Path(cache.path))  # DVC makes it when it is needed
    printed = git_output(["version"], root)
    is_writable = _is_writable(place)
    return HealthFacts(
        versions={
            "amelio": amelio.__version__,
            "DVC": version("dvc"),
            "Python": platform.python_version(),
        },
        git=printed.split()[2] if printed else None,
        has_commit=git.commit is not None if git else None,
        is_shallow=bool(git and git.is_shallow),
        cache=cache,
        is_cache_writable=is_writable,
        is_same_disk=place.stat().st_dev == root.stat().st_dev,
        shared=None if place.is_relative_to(root) else _shared(workspace, Path(cache.path)),
        links=measured_links(place, Path(workspace.repo.tmp_dir)) if is_writable else (),
        free_bytes=(shutil.disk_usage(place).free, shutil.disk_usage(root).free),
        need_bytes=sum(
            out.size_bytes or 0 for stage in stages for out in stage.outs if out.is_cached
        ),
        remotes=tuple((each, _asked(root, each, timeout_s)) for each in remotes(workspace)),
        secrets=tuple(committed_secrets(root)),
        is_local_config_tracked=bool(git and IGNORED in git.tracked),
        foreign_database=foreign_database(workspace.repo),
    )


def measured_links(cache: Path, workspace: Path) -> tuple[LinkSpeed, ...]:
    """How long each kind of link takes for a file of SAMPLE_BYTES."""
    from dvc.fs import LocalFileSystem

    makers: dict[str, Callable[[str, str], object]] = {
        "reflink": LocalFileSystem().reflink,
        "hardlink": os.link,
        "symlink": os.symlink,
        "copy": shutil.copyfile,
    }
    with (
        tempfile.TemporaryDirectory(prefix=".amelio-links-", dir=workspace) as there,
        tempfile.TemporaryDirectory(prefix=".amelio-links-", dir=cache) as here,
    ):
        sample = Path(here, "sample")
        sample.write_bytes(os.urandom(1024**2) * (SAMPLE_BYTES // 1024**2))
        return tuple(
            LinkSpeed(kind, _timed(make, str(sample), Path(there, kind)))
            for kind, make in makers.items()
        )


def _timed(make: Callable[[str, str], object], sample: str, target: Path) -> float | None:
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        try:
            make(sample, str(target))
        except (OSError, NotImplementedError):
            return None
        took.append(time.perf_counter() - started)
        target.unlink()
    return median(took)


def committed_secrets(root: Path) -> Iterator[CommittedSecret]:
    """Credentials in `.dvc/config` as Git has it now, and in its history."""
    now = set(_settings(git_output(["show", f"HEAD:./{CONFIG}"], root) or ""))
    staged = set(_settings(git_output(["show", f":./{CONFIG}"], root) or ""))
    for remote, option, _ in sorted(now | staged):
        yield CommittedSecret(remote, option, None)
    words = ["log", f"-{MAX_COMMITS}", "--format=%x00%h", "--patch", "--unified=1000"]
    log = git_output([*words, "--", CONFIG], root) or ""
    told = set(now | staged)
    for part in log.split("\0")[1:]:
        commit, _, patch = part.partition("\n")
        kept = "\n".join(line for line in patch.splitlines() if line[:1] in ("+", " "))
        for found in _settings(kept):
            if found not in told:
                told.add(found)
                yield CommittedSecret(found[0], found[1], commit.strip())


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    """Remote, option and value of each credential in a configuration or in the lines of a patch."""
    remote = ""
    for line in text.splitlines():
        if section := _REMOTE.match(line):
            remote = section[1]
        elif (setting := _SETTING.match(line.lstrip("+ "))) and is_credential(
            setting[1], setting[2].strip()
        ):
            yield remote, setting[1], setting[2].strip()


def _asked(root: Path, remote: RemoteFact, timeout_s: float) -> RemoteAnswer | None:
    if remote.scheme in ASKED_BY_BROWSER:
        return None
    return ask(root, remote.name, timeout_s, is_written=True)


def _shared(workspace: DvcWorkspace, place: Path) -> SharedCache:
    folders = [place, *(path for path in _folders(place))]
    return SharedCache(
        is_group=workspace.repo.config["cache"].get("shared") == "group",
        mode=stat_flags.S_IMODE(place.stat().st_mode) if place.exists() else 0,
        n_locked=sum(path.exists() and not os.access(path, os.W_OK) for path in folders),
    )


def _folders(place: Path) -> Iterator[Path]:
    objects = place / "files" / "md5"
    yield place / "files"
    yield objects
    if objects.is_dir():
        yield from (path for path in objects.iterdir() if path.is_dir())


def _is_writable(place: Path) -> bool:
    """Whether files can be made in the folder."""
    try:
        with tempfile.TemporaryFile(prefix=".amelio-", dir=place):
            return True
    except OSError:
        return False


def _nearest(place: Path) -> Path:
    """The folder itself, or the nearest one around it that is there."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
