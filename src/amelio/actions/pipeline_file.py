"""Edits of a user's `dvc.yaml` that leave every other byte of it as it is."""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from amelio.atomic import write_text


def add_dependency(path: Path, stage: str, dependency: str) -> bool:
    """Make `dependency` the first one of `stage`; whether the stage has it now.

    False, and nothing is written, when there is no such stage or it has no dependencies.
    """
    if not path.exists():
        return False
    text = path.read_text(encoding="utf-8")
    node: Node | None = YAML().compose(text)
    for key in ("stages", stage, "deps"):
        pairs = node.value if isinstance(node, MappingNode) else []
        node = next((child for name, child in pairs if name.value == key), None)
    if not isinstance(node, SequenceNode) or not node.value:
        return False
    if any(item.value == dependency for item in node.value):
        return True
    place = node.value[0].start_mark.index
    line = text[text.rfind("\n", 0, place) + 1 : place]  # up to the first item: `      - `
    separator = ", " if node.flow_style else f"\n{line}"
    write_text(path, text[:place] + dependency + separator + text[place:])
    return True
