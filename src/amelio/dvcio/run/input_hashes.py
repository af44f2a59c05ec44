"""What stages' dependencies hash to now, in place of what the lock file has."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvc.stage import Stage


class InputHashes:
    """DVC's stage objects take new hashes before it is known whether a result will be recorded: a
    stage that is not recorded is again what its lock entry says.
    """

    def __init__(self) -> None:
        self._as_locked: dict[str, list[Any]] = {}
        self._looked_up: set[str] = set()  # hashed a moment ago
        self._taken: dict[str, list[Any]] = {}
        self._has_run: set[str] = set()

    def keep(self, key: str, stage: "Stage") -> bool:
        """Remember what the lock file has; False when that was done before."""
        is_new = key not in self._as_locked
        if is_new:
            self._as_locked[key] = [dep.hash_info for dep in stage.deps]
        return is_new

    def look_up(self, key: str, stage: "Stage") -> None:
        """Hash the dependencies, so that `take` need not; after `keep`."""
        stage.save_deps()
        self._looked_up.add(key)

    def take(self, key: str, stage: "Stage", *, allow_missing: bool) -> None:
        """Hash the dependencies as they are before the stage runs."""
        self.keep(key, stage)
        self._has_run.add(key)
        if key not in self._looked_up:
            stage.save_deps(allow_missing=allow_missing)
        self._looked_up.discard(key)

    def recorded(self, key: str) -> None:
        """The lock entry will say what was taken."""
        self._as_locked.pop(key, None)
        self._taken.pop(key, None)

    def put_back(self, key: str, stage: "Stage") -> None:
        """What was taken counts no more for what is recorded."""
        deps = stage.deps if key in self._as_locked else ()
        if deps:
            self._taken[key] = [dep.hash_info for dep in deps]
        for dep, known in zip(deps, self._as_locked.pop(key, ()), strict=True):
            dep.hash_info = known
        self._looked_up.discard(key)

    def forget(self) -> None:
        """The stage objects are new ones."""
        self._as_locked.clear()
        self._looked_up.clear()
        self._taken.clear()
        self._has_run.clear()

    def has_run(self, key: str) -> bool:
        """Whether the stage was made ready to run."""
        return key in self._has_run

    def of_run(self, key: str, stage: "Stage") -> list[Any]:
        """What the dependencies hashed to in this run, recorded or not; else what is locked."""
        return self._taken.get(key) or [dep.hash_info for dep in stage.deps]
