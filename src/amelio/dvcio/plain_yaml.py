"""YAML as DVC reads it (YAML 1.2 by ruamel), ten times faster: parsed in C; ruamel is asked only
about scalars that are neither words nor numbers.
"""

import re
from functools import lru_cache
from typing import Any

import yaml

_NOT_SIMPLE = re.compile(r"(?:^|[\s\[{,])[&*!]|<<|^%|^---|^\.\.\.", re.MULTILINE)
_WORD = re.compile(r"(?![\d.+-])(?!(?:true|false|null|nan|inf|yes|no|on|off)$)[\w./ -]+", re.I)
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


@lru_cache(maxsize=50_000)
def _scalar(text: str) -> Any:
    if _WORD.fullmatch(text):
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


class _Loader(yaml.CSafeLoader):
    """C's parser without its own idea of numbers, dates and truth."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (the base class has it so)


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


_Loader.add_constructor("tag:yaml.org,2002:str", _construct_scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
