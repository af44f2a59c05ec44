"""Which parameters DVC writes into a stage's command, and which of them a shell would misread."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from amelio.model import UnsafeParameter

if TYPE_CHECKING:
    from dvc.parsing import DataResolver
    from dvc.stage import Stage

# shlex calls these safe; a space splits words, as people mean it to, but starts nothing
_SAFE = re.compile(r"[\w@%+=:,./ -]*", re.ASCII)
_SAFE_KEY = re.compile(r"[\w@%+=:,./-]*", re.ASCII)


class Interpolations:
    """Reads the templates of `dvc.yaml` files, each at most once."""

    def __init__(self) -> None:
        self._resolvers: dict[str, DataResolver | None] = {}

    def unsafe(self, stage: "Stage") -> list[UnsafeParameter]:
        """Values from parameters files in the stage's command or probe that are more than plain
        words.

        What stands in `dvc.yaml` itself may be anything: whoever writes it writes commands.
        """
        name = getattr(stage, "name", None)
        if name is None:
            return []
        if stage.path not in self._resolvers:
            with open(stage.path, encoding="utf-8") as file:  # noqa: PTH123
                has_templates = "${" in file.read()
            self._resolvers[stage.path] = stage.dvcfile.resolver if has_templates else None
        resolver = self._resolvers[stage.path]
        if resolver is None or not resolver.has_key(name):
            return []
        found: list[UnsafeParameter] = []
        with _told_of_commands(found):
            resolver.resolve_one(name)
        return list(dict.fromkeys(found))


@contextmanager
def _told_of_commands(found: list[UnsafeParameter]) -> Iterator[None]:
    """While inside, add to `found` whatever DVC is about to write into a command."""
    from dvc.parsing import EntryDefinition

    resolve = EntryDefinition._resolve

    def telling(self: Any, context: Any, value: Any, key: str, skip_checks: bool) -> Any:
        if key in ("cmd", "meta"):
            found.extend(_unsafe_values(context, value if key == "cmd" else _probe_of(value)))
        return resolve(self, context, value, key, skip_checks)

    EntryDefinition._resolve = telling
    try:
        yield
    finally:
        EntryDefinition._resolve = resolve


def _probe_of(meta: Any) -> str:
    """amelio's other command: `probe` of `meta.amelio`."""
    ours = meta.get("amelio") if isinstance(meta, dict) else None
    return str(ours.get("probe", "")) if isinstance(ours, dict) else ""


def _unsafe_values(context: Any, template: Any) -> Iterator[UnsafeParameter]:
    from dvc.parsing.interpolate import get_expression, get_matches

    for line in template if isinstance(template, list) else [template]:
        for match in get_matches(line):
            expression = get_expression(match)
            node = context.select(expression)
            meta = getattr(node, "meta", None)
            if meta is not None and meta.local:
                continue
            yield from _unsafe_parts(expression, context.select(expression, unwrap=True))


def _unsafe_parts(expression: str, value: Any) -> Iterator[UnsafeParameter]:
    if not isinstance(value, dict):
        if not _SAFE.fullmatch(str(value)):
            yield UnsafeParameter(expression, str(value))
        return
    from dvc.utils.flatten import flatten

    for key in flatten(value):  # DVC quotes the values of a mapping, but not its keys
        if not _SAFE_KEY.fullmatch(str(key)):
            yield UnsafeParameter(expression, str(key))
