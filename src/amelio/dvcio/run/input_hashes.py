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
        self._taken: dict[str, list[Any]] = {}  # in this run, recorded or not

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
        if key not in self._looked_up:
            stage.save_deps(allow_missing=allow_missing)
        self._looked_up.discard(key)
        self._taken[key] = [dep.hash_info for dep in stage.deps]

    def recorded(self, key: str) -> None:
        """The lock entry will say what was taken."""
        self._as_locked.pop(key, None)

    def put_back(self, key: str, stage: "Stage") -> None:
        """What was taken counts no more."""
        deps = stage.deps if key in self._as_locked else ()
        for dep, known in zip(deps, self._as_locked.pop(key, ()), strict=True):
            dep.hash_info = known
        self._looked_up.discard(key)

    def forget(self) -> None:
        """The stage objects are new ones."""
        self._as_locked.clear()
        self._looked_up.clear()
        self._taken.clear()

    def has_taken(self, key: str) -> bool:
        """Whether the stage was to run."""
        return key in self._taken

    def of_run(self, key: str, stage: "Stage") -> list[Any]:
        """What was taken, whether or not it was recorded; else what the lock file has."""
        return self._taken.get(key) or [dep.hash_info for dep in stage.deps]
