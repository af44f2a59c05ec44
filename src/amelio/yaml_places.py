"""Lines of keys in YAML files, for messages about files that somebody else has read."""

from collections.abc import Iterable
from pathlib import Path

import yaml


def line_of(path: Path | str, keys: Iterable[str]) -> int | None:
    """1-based line of the deepest of `keys` in the file; None where it cannot be read."""
    try:
        return line_in(Path(path).read_text(encoding="utf-8", errors="replace"), keys)
    except OSError:
        return None


def line_in(text: str, keys: Iterable[str]) -> int | None:
    """As `line_of`. Stages of a group (`fit@cnn`) are found where the group is declared."""
    node = compose(text)
    line: int | None = None
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = _pair(node, key) or _pair(node, key.partition("@")[0])
            if found is None:  # in a group, what is declared of its stages stands under `do`
                body = _pair(node, "do")
                inside = body[1] if body else None
                found = _pair(inside, key) if isinstance(inside, yaml.MappingNode) else None
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
        else:
            break
    return line


def compose(text: str) -> yaml.Node | None:
    """The nodes of a text; None where it is no YAML."""
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None


def _pair(node: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((k, v) for k, v in node.value if k.value == key), None)
