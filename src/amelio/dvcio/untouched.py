"""A DVC repository that is only looked at: every byte, name and time in it stays as it is.

DVC itself makes its temporary folder, marks when it did, protects the objects of the cache that it
looks at, and deletes damaged ones.
"""

# Paths are strings here: they come from DVC.
# ruff: noqa: PTH112, PTH118, PTH204

import os
import stat
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from dvc.dependency import Dependency
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage.cache import StageCache
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.meta import Meta
from dvc_objects.errors import ObjectFormatError


class UntouchedRepo(Repo):  # type: ignore[misc]
    """DVC's, with the parts below. Its databases outside of the repository are used as ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stage_cache = _RunCache(self)
        for cache in {id(odb): odb for _, odb in self.cache.by_scheme()}.values():
            if type(cache) is LocalHashFileDB:
                cache.__class__ = _Cache

    @cached_property
    def tmp_dir(self) -> str:
        """Beside DVC's databases where there is none yet."""
        found = os.path.join(str(self.dvc_dir), "tmp")
        return found if os.path.isdir(found) else os.path.join(self.site_cache_dir, "tmp")

    @cached_property
    def _btime(self) -> float | None:
        try:
            return os.path.getmtime(os.path.join(str(self.dvc_dir), "tmp", "btime"))
        except FileNotFoundError:
            return None

    def _ignore(self) -> None:
        """DVC would write `.dvc/.gitignore`."""


def expect(deps: Iterable[Dependency], coming: Mapping[str, Output]) -> None:
    """Let `deps` be as if the outputs `coming`, by path, were there already."""
    for dep in deps:
        if type(dep) is Dependency and dep.fs_path in coming:
            dep.__class__ = _Expected
            dep.coming = coming[dep.fs_path]


class _Expected(Dependency):  # type: ignore[misc]
    coming: Output
    exists = True

    def get_hash(self) -> Any:
        return self.coming.hash_info

    def save(self) -> None:
        self.hash_info, self.meta = self.coming.hash_info, self.coming.meta


class _Cache(LocalHashFileDB):
    def check(self, oid: str, check_hash: bool = True, _info: Any = None) -> Meta:
        """As DVC's, which deletes what is damaged, and protects what is not."""
        path = self.oid_to_path(oid)  # type: ignore[no-untyped-call]
        info = _info or self.fs.info(path)
        if not check_hash or stat.S_IMODE(info["mode"]) == self.CACHE_MODE:
            return Meta.from_info(info)
        meta, found = hash_file(path, self.fs, self.hash_name, self.state, info=info)
        if str(found.value).partition(".")[0] != oid.partition(".")[0]:
            raise ObjectFormatError(f"{path} is corrupted")
        return meta


class _RunCache(StageCache):  # type: ignore[misc]
    def _load_cache(self, key: str, value: str) -> Any:
        """As DVC's, which deletes what is damaged."""
        from dvc.schema import COMPILED_LOCK_FILE_STAGE_SCHEMA
        from dvc.utils.serialize import YAMLFileCorruptedError, load_yaml
        from voluptuous import Invalid

        try:
            return COMPILED_LOCK_FILE_STAGE_SCHEMA(load_yaml(self._get_cache_path(key, value)))
        except (FileNotFoundError, YAMLFileCorruptedError, Invalid):
            return None
