"""Stand-ins for functions of DVC that do the same for every stage again, with the same results."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TextIO

from amelio.dvcio.yaml.plain import dump_plain_yaml

if TYPE_CHECKING:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta

MD5 = "md5"


def quicken() -> None:
    """From now on DVC uses them, in this process."""
    from dvc import output, schema
    from dvc.utils.serialize import _yaml

    _replace(output.Output, "_get_hash_meta", _hash_of_one_file)
    _replace(_yaml, "_dump", _dumped_plainly)
    if not hasattr(schema.vol, "__wrapped__"):
        schema.vol = _Voluptuous(schema.vol)


def hash_file(path: str, fs: Any, state: Any) -> "tuple[Meta, HashInfo]":
    """What DVC finds for a file of this machine, without its machinery for many files.

    Raises FileNotFoundError.
    """
    from dvc_data.hashfile.hash import hash_file as dvc_hash_file

    info = fs.info(path)
    meta, found = state.get(path, fs, info=info)
    if found is None or found.name != MD5:
        meta, found = dvc_hash_file(path, fs, MD5, info=info)
        state.save_many([(path, found, info)], fs)
    return meta, found


def _replace(owner: Any, name: str, around: Callable[[Callable[..., Any]], Any]) -> None:
    old = getattr(owner, name)
    if not hasattr(old, "__wrapped__"):
        setattr(owner, name, around(old))


def _hash_of_one_file(old: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(old)
    def get_hash_meta(self: Any) -> Any:
        if self.protocol == "local" and self.hash_name == MD5 and os.path.isfile(self.fs_path):  # noqa: PTH113
            cache = self.cache if self.use_cache else self.local_cache
            return hash_file(self.fs_path, self.fs, cache.state)
        return old(self)

    return get_hash_meta


def _dumped_plainly(old: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(old)
    def dump(data: Any, stream: TextIO) -> Any:
        text = dump_plain_yaml(data)
        return old(data, stream) if text is None else stream.write(text)

    return dump


class _Voluptuous:
    """The module voluptuous, with each schema compiled once: DVC compiles a stage's for each."""

    def __init__(self, module: Any) -> None:
        self.__wrapped__ = module
        self._compiled: dict[int, tuple[Mapping[Any, Any], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def Schema(self, schema: Any, **options: Any) -> Any:  # noqa: N802
        if options or not isinstance(schema, dict):
            return self.__wrapped__.Schema(schema, **options)
        if id(schema) not in self._compiled:  # which keeps the schema, and so its id
            self._compiled[id(schema)] = (schema, self.__wrapped__.Schema(schema))
        return self._compiled[id(schema)][1]
