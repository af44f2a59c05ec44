"""Edits of a user's `params.yaml` that keep its comments and its indentation."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.util import load_yaml_guess_indent

from amelio.atomic import write_text


def edit_params(path: Path, changes: Mapping[str, Any]) -> None:
    """Set each dotted key of `changes` in the YAML file `path`, all or nothing."""
    tree, indent, offset = load_yaml_guess_indent(path.read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=indent or 2, offset=offset or 0)
    text = StringIO()
    yaml.dump(tree, text)
    write_text(path, text.getvalue())
