"""Settings of amelio that DVC's `config` would not take: `core.jobs` in `amelio.yaml`.

An unknown key in `.dvc/config` would break every `dvc` command.
"""

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.util import load_yaml_guess_indent

from amelio.atomic import write_text
from amelio.checked_yaml import read_yaml
from amelio.engine.settings import SETTINGS_FILE, load_project
from amelio.errors import InputError

JOBS = "core.jobs"


def get_jobs(root: Path) -> int | None:
    """`core.jobs` as it is set; None where it is not. Raises InputError for a wrong file."""
    load_project(root)
    path = root / SETTINGS_FILE
    core = read_yaml(path).get("core") if path.exists() else None
    return None if core is None or "jobs" not in core else int(core["jobs"])


def set_jobs(root: Path, value: str) -> None:
    """Set `core.jobs`; comments and all other keys stay as they are. Raises InputError."""
    if not value.isdecimal() or not value.isascii() or int(value) < 1:
        raise InputError(f"{JOBS}: expected a whole number of at least 1, got {value!r}")
    load_project(root)
    writer, tree = _read(root)
    if tree.get("core") is None:
        tree["core"] = {}
    tree["core"]["jobs"] = int(value)
    _write(root, writer, tree)


def unset_jobs(root: Path) -> None:
    """Take `core.jobs` out again. Raises InputError when it is not set."""
    if get_jobs(root) is None:
        raise InputError(f"{JOBS} is not set", path=SETTINGS_FILE)
    writer, tree = _read(root)
    del tree["core"]["jobs"]
    if not tree["core"]:
        del tree["core"]
    _write(root, writer, tree)


def _read(root: Path) -> tuple[YAML, Any]:
    """The file as ruamel's round-trip tree, and a writer with the file's own habits."""
    path = root / SETTINGS_FILE
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 1_000_000  # lines stay as long as they are
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    _, indent, offset = load_yaml_guess_indent(text)
    if offset:
        writer.indent(sequence=indent, offset=offset)
    return writer, writer.load(text) or {}


def _write(root: Path, writer: YAML, tree: Any) -> None:
    text = StringIO()
    if tree:
        writer.dump(tree, text)
    write_text(root / SETTINGS_FILE, text.getvalue())
