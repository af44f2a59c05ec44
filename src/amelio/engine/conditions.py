"""`when:`: whether a stage that has reasons to run is to run."""

import ast
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from amelio.engine.settings import StageSettings
from amelio.errors import InputError
from amelio.model import Reason, ReasonKind, Stage, Workspace

NAMES = ("params", "metrics", "env", "exists", "changed", "probe")
_CONSTANTS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}


@dataclass(frozen=True)
class Decision:
    """What a condition came to, and why in words."""

    is_true: bool
    reason: Reason
    message: str = ""


class ProbeNeededError(Exception):
    """The condition cannot be decided before the stage's probe has run."""


class _UndefinedError(Exception):
    """A metrics file that the condition compares with is not there."""


@dataclass
class Conditions:
    """Decides the conditions of a run's stages.

    known_probes: JSON that a stage's probe printed, by (stage, signature of its inputs); from the journal
    asks_probes: False for a dry run, in which a probe is never started
    """

    workspace: Workspace
    stages: Sequence[Stage]
    settings: Mapping[str, StageSettings]
    allowed_env: Sequence[str] = ()
    known_probes: dict[tuple[str, str], Any] = field(default_factory=dict)
    _at_start: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every condition, and read the metrics as they are now."""
        for stage in self.stages:
            text = self.settings[stage.id].when
            if text is not None:
                _check(text, stage)
        if any(s.when and "metrics" in s.when for s in self.settings.values()):
            self._producers = dict(self.workspace.metric_files())
            self._at_start = {path: self.workspace.read_metric(path) for path in self._producers}
        self._needs = {stage.id: stage.needs for stage in self.stages}

    def decide(self, stage: Stage, reasons: Sequence[Reason]) -> Decision | None:
        """The decision for a stage with reasons to run; None without a condition.

        Raises ProbeNeededError, and InputError for a name, key or comparison that cannot be.
        """
        text = self.settings[stage.id].when
        if text is None:
            return None
        used: dict[str, Any] = {}
        try:
            value = self._evaluate(text, stage, reasons, used)
        except _UndefinedError as error:
            message = f"{error} is not there yet, so the condition is undefined and the stage runs"
            return Decision(True, _reason(text, message), message)
        values = ", ".join(f"{name} = {_short(found)}" for name, found in used.items())
        message = f"condition is {'true' if value else 'false'}: {_one_line(text)}"
        message += f" ({values})" if values else ""
        return Decision(bool(value), _reason(text, values, bool(value)), message)

    def signature(self, stage: Stage) -> str:
        """Hash of what a probe's result depends on."""
        probe = self.settings[stage.id].probe or ""
        return sha256(f"{probe}\0{self.workspace.input_signature(stage.id)}".encode()).hexdigest()

    def take_probe(self, stage: Stage, signature: str, printed: Path) -> Any:
        """Read what a probe printed. Raises InputError when that is no JSON."""
        try:
            value = json.loads(printed.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise InputError(
                f"{stage.name}: meta.amelio.probe printed no JSON: {error}",
                path=stage.place,
                hint=f"its output is in {printed}; print messages to stderr",
            ) from error
        self.known_probes[stage.id, signature] = value
        return value

    def _evaluate(
        self, text: str, stage: Stage, reasons: Sequence[Reason], used: dict[str, Any]
    ) -> Any:
        import simpleeval

        evaluator = simpleeval.SimpleEval(functions={"exists": self._exists})
        evaluator.names = self._lookup(stage, reasons)

        def member(node: ast.Attribute | ast.Subscript) -> Any:
            holder = evaluator._eval(node.value)
            key = node.attr if isinstance(node, ast.Attribute) else evaluator._eval(node.slice)
            value = _member(holder, key, node, stage)
            used[ast.unparse(node)] = value
            used.pop(ast.unparse(node.value), None)
            return value

        evaluator.nodes[ast.Attribute] = member
        evaluator.nodes[ast.Subscript] = member
        try:
            return evaluator.eval(_one_line(text))
        except (simpleeval.InvalidExpression, TypeError, ZeroDivisionError) as error:
            raise _wrong(stage, str(error)) from error

    def _lookup(self, stage: Stage, reasons: Sequence[Reason]) -> Callable[[ast.Name], Any]:
        def find(node: ast.Name) -> Any:
            if node.id in _CONSTANTS:
                return _CONSTANTS[node.id]
            return {
                "params": lambda: self.workspace.parameters(stage.id),
                "metrics": lambda: self._metrics(stage),
                "env": lambda: _Env(self.allowed_env),
                "changed": lambda: changes(reasons),
                "probe": lambda: self._probe(stage),
            }[node.id]()

        return find

    def _probe(self, stage: Stage) -> Any:
        if not self.settings[stage.id].probe:
            raise _wrong(stage, "it asks for `probe`, but there is no meta.amelio.probe")
        key = (stage.id, self.signature(stage))
        if key not in self.known_probes:
            raise ProbeNeededError(stage.id)
        return self.known_probes[key]

    def _metrics(self, stage: Stage) -> "_Metrics":
        ancestors = self._ancestors(stage.id)
        now = {
            path: self.workspace.read_metric(path) if producer in ancestors else self._at_start[path]
            for path, producer in self._producers.items()
        }
        return _Metrics(now)

    def _ancestors(self, stage: str) -> set[str]:
        found: set[str] = set()
        waiting = list(self._needs[stage])
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting.extend(self._needs.get(key, ()))
        return found

    def _exists(self, path: str) -> bool:
        return (self.workspace.root / path).exists()


class _Metrics:
    """`metrics['path']`, or its stem where that is unique."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._files = files

    def find(self, name: str) -> Any:
        path = name
        if name not in self._files:
            fitting = [path for path in self._files if PurePath(path).stem == name]
            if len(fitting) != 1:
                known = ", ".join(sorted(self._files)) or "none"
                word = "several metrics files are" if fitting else "no metrics file is"
                raise KeyError(f"{word} called {name!r}; known are {known}")
            path = fitting[0]
        if self._files[path] is None:
            raise _UndefinedError(path)
        return self._files[path]


class _Env:
    """`env.NAME`, of the names that `amelio.yaml` allows."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    def find(self, name: str) -> str | None:
        if name not in self._allowed:
            raise KeyError(f"env.{name} is not allowed; list it under `env:` in amelio.yaml")
        return os.environ.get(name)


def changes(reasons: Sequence[Reason]) -> dict[str, bool]:
    """`changed.…` of a stage with these reasons."""
    kinds = {reason.kind for reason in reasons}
    is_new = ReasonKind.NEVER_RAN in kinds
    found = {
        "command": ReasonKind.COMMAND in kinds or is_new,
        "params": ReasonKind.PARAMETER in kinds or is_new,
        "code": ReasonKind.CODE in kinds or is_new,
        "data": bool(kinds & {ReasonKind.DATA, ReasonKind.UPSTREAM}) or is_new,
        "outputs": ReasonKind.OUTPUT in kinds or is_new,
    }
    others = [found[name] for name in found if name != "data"]
    is_always = ReasonKind.ALWAYS in kinds
    return {**found, "only_data": found["data"] and not any(others) and not is_always}


def _member(holder: Any, key: Any, node: ast.AST, stage: Stage) -> Any:
    try:
        if isinstance(holder, (_Metrics, _Env)):
            return holder.find(str(key))
        return holder[key]
    except (KeyError, IndexError, TypeError) as error:
        known = f"; known are {', '.join(map(str, holder))}" if isinstance(holder, dict) else ""
        detail = error.args[0] if isinstance(holder, (_Metrics, _Env)) else f"there is no {key!r}{known}"
        raise _wrong(stage, f"{ast.unparse(node)}: {detail}") from error


def _check(text: str, stage: Stage) -> None:
    try:
        tree = ast.parse(_one_line(text), mode="eval")
    except SyntaxError as error:
        raise _wrong(stage, f"{error.msg}: {_one_line(text)}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in (*NAMES, *_CONSTANTS):
            raise _wrong(stage, f"unknown name {node.id!r}; known are {', '.join(NAMES)}")


def _wrong(stage: Stage, what: str) -> InputError:
    return InputError(f"{stage.name}: meta.amelio.when: {what}", path=stage.place)


def _reason(text: str, note: str, value: bool | None = None) -> Reason:
    new = None if value is None else str(value).lower()
    return Reason(ReasonKind.CONDITION, _one_line(text), new=new, note=note)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
