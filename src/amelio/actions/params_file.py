"""Edits of a user's `params.yaml` that leave every other byte of it as it is."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from amelio.atomic import write_text
from amelio.errors import InputError


def edit_params(path: Path, changes: Mapping[str, Any]) -> None:
    """Give each dotted key of `changes`, which must stand in the YAML file `path`, its value.

    Raises InputError when a key is not there.
    """
    write_text(path, edited(path.read_text(encoding="utf-8"), changes, path))


def edited(text: str, changes: Mapping[str, Any], path: Path) -> str:
    """`text`, the content of `path`, with these values; raises as `edit_params` does."""
    for dotted, value in changes.items():
        text = _edited(text, dotted, value, path)
    return text


def _edited(text: str, dotted: str, value: Any, path: Path) -> str:
    node = YAML().compose(text)
    for key in dotted.split("."):
        pairs = node.value if isinstance(node, MappingNode) else []
        found = [child for name, child in pairs if name.value == key]
        if not found:
            raise InputError(f"no key {dotted}", path=path, hint="write it there, then try again")
        node = found[0]
    start, end = node.start_mark.index, _end(node)
    new = _flow(value)
    if isinstance(node, SequenceNode) and not node.flow_style:
        indent = "\n" + " " * node.start_mark.column
        new = indent.join(f"- {_flow(item)}" for item in value)
    return text[:start] + new + text[end:]


def _end(node: Node) -> int:
    """Where the value's text ends; a block's own mark is behind the comments that follow it."""
    children = node.value if isinstance(node, SequenceNode) and not node.flow_style else []
    end: int = _end(children[-1]) if children else node.end_mark.index
    return end


def _flow(value: Any) -> str:
    """`value` as YAML on one line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.width = 1_000_000
    rendered = StringIO()
    yaml.dump(value, rendered)
    return rendered.getvalue().removesuffix("\n").removesuffix("\n...")
