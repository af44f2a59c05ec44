"""DVC's YAML parser, made quick, and kept from files whose aliases would fill the memory.

Nine aliases of nine aliases of … make 43 million values of half a kilobyte. The parser shares them,
but whatever walks the result (templates, hashes of parameters) does not.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import yaml

from amelio.dvcio.yaml.plain import NotPlainError, parse_plain_yaml
from amelio.errors import InputError

MAX_VALUES = 1_000_000  # of one file, with every alias written out


def bound_yaml() -> None:
    """From now on DVC refuses such files with InputError, and reads plain ones in C, in this
    process.
    """
    from dvc.utils import strictyaml
    from dvc.utils.serialize import _yaml

    for module in (_yaml, strictyaml):
        if not hasattr(module.parse_yaml, "__wrapped__"):
            module.parse_yaml = _bounded(module.parse_yaml)


def _bounded(parse: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(parse)
    def parse_bounded(text: str, path: str, typ: str = "safe") -> Any:
        if "*" in text and "&" in text:
            line = line_beyond(text, MAX_VALUES)
            if line is not None:
                raise InputError(
                    f"its aliases stand for more than {MAX_VALUES:,} values",
                    path=path,
                    line=line,
                    hint="write the values out, or leave out the aliases of aliases",
                )
        if typ == "safe":
            with contextlib.suppress(NotPlainError):
                return parse_plain_yaml(text)
        return parse(text, path, typ=typ)

    return parse_bounded


def line_beyond(text: str, limit: int) -> int | None:
    """The line with the alias by which `text` stands for more than `limit` values, if any does."""
    sizes: dict[str, int] = {}  # of what stands behind each anchor
    open_: list[tuple[str | None, int]] = []  # anchors of the collections around, their begin
    total = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(event.anchor or "", 0)
                is_endless = any(anchor == event.anchor for anchor, _ in open_)
                if is_endless or total > limit:
                    return event.start_mark.line + 1 if event.start_mark else 1
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, total))
                total += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, begin = open_.pop()
                if anchor:
                    sizes[anchor] = total - begin
            elif isinstance(event, yaml.ScalarEvent):
                total += 1
                if event.anchor:
                    sizes[event.anchor] = 1
    except yaml.YAMLError:
        pass  # the real parser says it better
    return None


_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
