"""Whether nothing points at a place that exists on this machine only."""

import ast
import re
from collections.abc import Iterator

from amelio.dvcio.facts.facts import PipelineFacts, StageFact
from amelio.dvcio.facts.sources import parsed
from amelio.insight.reproducibility import Check, Finding
from amelio.insight.wording import counted

# Folders where people keep data and code. Programs of the system (/usr/bin/env) and scratch
# places (/tmp, /dev/null) are the same everywhere.
_PLACE = re.compile(
    r"(?:/(?:home|Users|root|mnt|media|data|datasets|scratch|srv|opt|var/data|nfs|workspace)/"
    r"|~/|[A-Za-z]:[\\/])[^\s'\"`;|&<>]*"
)
_MAX_SHOWN = 80


def no_absolute_paths(facts: PipelineFacts) -> Check:
    """No command, dependency, output, program or parameter holds a path of one machine."""
    findings: list[Finding] = []
    for stage in facts.commands:
        findings += _in_stage(stage)
    for path, text in facts.sources.items():
        findings += [
            Finding(
                f"{path}:{line}: {value}", "a path relative to the repository, from params.yaml"
            )
            for line, value in _in_source(path, text)
        ]
    for path, values in facts.params.items():
        findings += [
            Finding(f"{path}: {key} is {value}", "a path relative to the repository")
            for key, value in values.items()
            if isinstance(value, str) and _PLACE.fullmatch(value)
        ]
    n_seen = len(facts.commands) + len(facts.sources) + len(facts.params)
    return Check(
        name="no-absolute-paths",
        title="No absolute paths",
        weight=8,
        n_seen=n_seen,
        evidence=f"{counted(len(facts.commands), 'command')}, "
        f"{counted(len(facts.sources), 'program')}, "
        f"{counted(len(facts.params), 'parameters file')}",
        findings=tuple(findings),
    )


def _in_stage(stage: StageFact) -> Iterator[Finding]:
    for item in (*stage.deps, *stage.outs):
        if item.is_local and not item.is_inside:
            yield Finding(
                f"{stage.name}: {item.written} is outside of the repository",
                f"move it into the repository, or `amelio import-url {item.written}`",
            )
    for command in stage.commands:
        for value in _paths(command):
            yield Finding(
                f"{stage.name}: its command names {value}",
                f"a path relative to {stage.place}",
            )


def _in_source(path: str, text: str) -> Iterator[tuple[int, str]]:
    tree = parsed(text) if path.endswith(".py") else None
    if tree is not None:
        for node in ast.walk(tree):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and _PLACE.fullmatch(value):
                yield getattr(node, "lineno", 0), value[:_MAX_SHOWN]
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            for value in _paths(line):
                yield number, value


def _paths(text: str) -> Iterator[str]:
    """Paths in a line of text, not those in the middle of a word or a URL."""
    for match in _PLACE.finditer(text):
        before = text[match.start() - 1] if match.start() else " "
        if before in " \t=:'\"(,<>" and not text[: match.start()].endswith(("://", ":/")):
            yield match[0][:_MAX_SHOWN]
