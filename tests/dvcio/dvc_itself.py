"""DVC as it is, in a process into which amelio has put its stand-ins."""

import contextlib
from collections.abc import Iterator

import pytest
from dvc import output, schema
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml


@contextlib.contextmanager
def dvc_itself() -> Iterator[None]:
    """Without the stand-ins of `amelio.dvcio.run.quick` and `amelio.dvcio.yaml.bounded`."""
    replaced = [
        (output.Output, "_get_hash_meta"), (_yaml, "_dump"), (_yaml, "parse_yaml"),
        (strictyaml, "parse_yaml"), (schema, "vol"),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in replaced:
            now = getattr(owner, name)
            patch.setattr(owner, name, getattr(now, "__wrapped__", now))
        yield
