"""All lock files of a run: what they said, what other programs wrote, what is to be written."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amelio.atomic import write_text
from amelio.dvcio.run.lockfile import LockFileReader, LockFileWriter, dumps

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage


class LockFiles:
    """The `dvc.lock` beside each `dvc.yaml` of a plan, and `.dvc` files, which are locks as well.

    stages: of the plan, in serial order
    is_shared: whether another program wrote one of them since this object was made
    """

    def __init__(self, repo: "Repo", stages: Sequence["Stage"]) -> None:
        self._repo = repo
        self.is_shared = False
        self._orders: dict[str, dict[str, int]] = {}
        for rank, stage in enumerate(stages):
            if hasattr(stage, "name"):
                self._orders.setdefault(stage.path, {})[stage.name] = rank
        self._readers = {path: LockFileReader(_lock_path(path)) for path in self._orders}
        self._writers = {
            path: LockFileWriter(_lock_path(path), order) for path, order in self._orders.items()
        }

    @property
    def paths(self) -> list[str]:
        """Where they are."""
        return [str(reader.path) for reader in self._readers.values()]

    @property
    def is_current(self) -> bool:
        """Whether all are as this run read or wrote them."""
        return all(reader.is_current for reader in self._readers.values())

    def entry(self, stage: "Stage") -> dict[str, Any] | None:
        """A stage's entry as it was read; None where there is none."""
        name = getattr(stage, "name", None)
        return None if name is None else self._readers[stage.path].entry(name)

    def refresh(self, stages: Iterable["Stage"]) -> None:
        """Read the entries of `stages` again where another program wrote; else they are not looked
        at.
        """
        changed = [path for path, reader in self._readers.items() if not reader.is_current]
        for path in changed:
            self.is_shared = True
            self._readers[path] = LockFileReader(_lock_path(path))
        for stage in stages if changed else ():
            if stage.path in changed:
                self._reload(stage)

    def queue(self, stage: "Stage") -> None:
        """Write the stage's entry at the next `flush`; a `.dvc` file at once."""
        from dvc.stage.serialize import to_single_stage_file, to_single_stage_lockfile

        name = getattr(stage, "name", None)
        if name is None:
            write_text(Path(stage.path), dumps(to_single_stage_file(stage)))
            self._repo.scm_context.track_file(stage.dvcfile.relpath)
        else:
            entry: Mapping[str, Any] = to_single_stage_lockfile(stage)
            self._writers[stage.path].queue(name, entry)

    def flush(self) -> None:
        """Write all that is queued."""
        for path, writer in self._writers.items():
            if writer.flush():
                self._repo.scm_context.track_file(os.path.relpath(writer.path))
                self._readers[path].note_own_write()

    def _reload(self, stage: "Stage") -> None:
        from dvc.stage.loader import StageLoader

        entry = self.entry(stage) or {}
        stage.cmd_changed = bool(entry) and entry.get("cmd") != stage.cmd
        for item in [*stage.deps, *stage.outs]:
            item.obj = None
        StageLoader.fill_from_lock(stage, entry)


def _lock_path(project_file: str) -> Path:
    return Path(project_file).with_suffix(".lock")
