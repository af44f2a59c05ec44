"""YAML as DVC reads and writes it (YAML 1.2 by ruamel), ten times faster where it is plain.

Reading: parsed in C; ruamel is asked only about scalars that are neither strings nor numbers.
Writing: lists and mappings of words and whole numbers; ruamel does the rest.
"""

import re
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import yaml

# where a value may begin with & * ! (an anchor, alias or tag), merge keys, directives, documents,
# lines of spaces, a text without indentation, a comment close to `|`, and line ends that YAML 1.1
# has and 1.2 has not
_NOT_SIMPLE = re.compile(
    r"(?:^|[:?,\[{-]) *[&*!]|<<|^%|^---|^\.\.\.|^ +$|^[|>]|[|>][-+\d]*#|"
    r"[\t\r\x85\u2028\u2029\ud800-\uffff]",
    re.MULTILINE,
)
# what can stand without quotes: no indicator or `...` at its start, no `: ` or ` #` in it
_BARE = re.compile(r"(?!\.\.\.)[\w./](?:[!-~]|(?<!:) (?!#))*(?<![: ])", re.ASCII)
_WIDTH = 80
_PLAIN = (dict, OrderedDict, list)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?|-?\d+e[-+]\d+")


class NotPlainError(ValueError):
    """The text needs DVC's own reader: it has anchors, tags or directives, or it is wrong."""


def parse_plain_yaml(text: str) -> Any:
    """What DVC would read. Raises NotPlainError where only DVC itself can tell."""
    if _NOT_SIMPLE.search(text):
        raise NotPlainError
    try:
        return yaml.load(text, Loader=_Loader) or {}  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise NotPlainError from error


def dump_plain_yaml(data: Any) -> str | None:
    """What ruamel would write; None where only ruamel can tell."""
    lines: list[str] = []
    try:
        _write(data, "", "", lines, set())
    except NotPlainError:
        return None
    return "".join(lines)


def _write(data: Any, indent: str, lead: str, lines: list[str], seen: set[int]) -> None:
    """Add the lines of a mapping or list, the first one behind `lead`."""
    if not data or type(data) not in _PLAIN or id(data) in seen:  # twice: an alias
        raise NotPlainError
    seen.add(id(data))
    for key, value in data.items() if isinstance(data, dict) else ((None, v) for v in data):
        start = f"{lead or indent}{'-' if key is None else _bare(key, '') + ':'}"
        if isinstance(value, dict | list) and key is None:
            _write(value, f"{indent}  ", f"{start} ", lines, seen)
        elif isinstance(value, dict | list):
            lines.append(f"{start}\n")
            _write(value, indent if isinstance(value, list) else f"{indent}  ", "", lines, seen)
        else:
            lines.append(f"{start} {_bare(value, start)}\n")
        lead = ""


def _bare(value: Any, start: str) -> str:
    if type(value) is int:
        return str(value)
    if type(value) is not str or not _BARE.fullmatch(value) or not _is_string(value):
        raise NotPlainError
    if len(value) > _WIDTH or (" " in value and len(start) + len(value) >= _WIDTH):
        raise NotPlainError  # it would be folded
    return value


def _is_string(text: str) -> bool:
    return not any(pattern.match(text) for pattern in _patterns().get(text[:1], ()))


@lru_cache(maxsize=50_000)
def _scalar(text: str) -> Any:
    if "\n" in text or _is_string(text):
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise NotPlainError from error


@lru_cache(maxsize=1)
def _patterns() -> dict[str, list[Any]]:
    """What ruamel takes for more than a string in YAML 1.2, by first character."""
    from ruamel.yaml.resolver import implicit_resolvers

    found: dict[str, list[Any]] = {}
    for versions, _tag, pattern, firsts in implicit_resolvers:
        for first in firsts if (1, 2) in versions else ():
            found.setdefault(first, []).append(pattern)
    return found


class _Loader(yaml.CSafeLoader):
    """C's parser without its own idea of numbers, dates and truth."""

    def resolve(self, kind: type[yaml.Node], _value: Any, _implicit: Any) -> str:
        """The tag of a node without one."""
        return _TAGS[kind]


def _construct_scalar(_loader: _Loader, node: yaml.ScalarNode) -> Any:
    return node.value if node.style else _scalar(node.value)


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    found = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in found:  # an error to DVC
            raise NotPlainError
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
_Loader.add_constructor(_TAGS[yaml.ScalarNode], _construct_scalar)
_Loader.add_constructor(_TAGS[yaml.MappingNode], _construct_mapping)
