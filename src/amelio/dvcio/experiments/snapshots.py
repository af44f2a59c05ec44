"""What a table of experiments shows of one commit, as `dvc exp show` has it; DVC's cache of it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvc.repo.experiments.serialize import ExpState

WORKSPACE = "workspace"
CACHE = Path("exps/cache")  # in DVC's tmp folder; DVC reads and writes it too


@dataclass(frozen=True)
class Snapshot:
    """Parameters, metrics, dependencies and outputs of a commit, in DVC's own form.

    commit: its hash, or `workspace`
    params, metrics: by file, `{"data": …}` or `{"error": {"type": …, "msg": …}}`
    deps, outs: by path, hash and size
    error: why there is nothing of all that, or why DVC's queue failed with it
    is_readable: whether there is something at all
    """

    commit: str
    time: datetime | None = None
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    is_readable: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether everything could be read."""
        files = [*self.params.values(), *self.metrics.values()]
        return self.error is None and not any(file.get("error") for file in files)

    def record(self) -> dict[str, Any] | None:
        """`data` of `dvc exp show --json`."""
        if not self.is_readable:
            return None
        return {
            "rev": self.commit,
            "timestamp": self.time.isoformat() if self.time else None,
            "params": self.params,
            "metrics": self.metrics,
            "deps": self.deps,
            "outs": self.outs,
            "meta": self.meta,
        }


def from_dvc(state: "ExpState") -> Snapshot:
    """DVC's own snapshot as ours."""
    from dvc.utils.serialize import encode_exception

    if state.data is None:
        error = state.error.dumpd() if state.error else None
        return Snapshot(state.rev, error=error, is_readable=False)
    raw = state.data.dumpd()
    for files in (raw["params"], raw["metrics"]):
        for file in files.values():
            if isinstance(file.get("error"), Exception):
                file["error"] = encode_exception(file["error"])
    found = _from_record(raw, state.data.timestamp)
    return replace(found, error=state.error.dumpd()) if state.error else found


class SnapshotCache:
    """DVC's cache of snapshots, a JSON file for each commit: what either of us reads, both have."""

    def __init__(self, tmp_dir: Path) -> None:
        self._folder = str(tmp_dir / CACHE)
        self._made: set[str] = set()

    def get(self, commit: str) -> Snapshot | None:
        """The cached snapshot; None where there is none, or no whole one."""
        try:
            with open(self._path(commit), "rb") as file:  # noqa: PTH123 (a thousand of them)
                raw = json.loads(file.read())
            moment = raw["timestamp"]
            found = _from_record(raw, datetime.fromisoformat(moment) if moment else None)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found.commit == commit else None

    def put(self, snapshot: Snapshot) -> None:
        """Keep a whole snapshot. Neither synced nor renamed, which took longer than all the rest:
        a torn file is not JSON, and both programs then read from Git again.
        """
        path = self._path(snapshot.commit)
        try:
            record = json.dumps(snapshot.record(), default=str).encode()
            folder = os.path.dirname(path)  # noqa: PTH120
            if folder not in self._made:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                self._made.add(folder)
            with open(path, "wb") as file:  # noqa: PTH123 (a thousand of them)
                file.write(record)
        except (OSError, ValueError):  # a full or read-only disk has no cache
            Path(path).unlink(missing_ok=True)

    def _path(self, commit: str) -> str:
        return f"{self._folder}/{commit[:2]}/{commit[2:]}"


def _from_record(raw: Mapping[str, Any], moment: datetime | None) -> Snapshot:
    return Snapshot(
        raw["rev"],
        moment,
        raw["params"],
        raw["metrics"],
        raw["deps"],
        raw["outs"],
        raw["meta"],
    )
