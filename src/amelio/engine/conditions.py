"""`when:`: whether a stage that has reasons to run is to run.

`amelio.expressions` is imported where it is used: it takes 60 ms, and most pipelines have no
condition.
"""

import ast
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from amelio.engine.settings import StageSettings, place_in_file
from amelio.errors import AmelioError, InputError
from amelio.fingerprint import of_path
from amelio.model import Policy, Reason, ReasonKind, Stage, Workspace
from amelio.yaml_places import line_of

NAMES = ("params", "metrics", "env", "changed", "probe")


@dataclass(frozen=True)
class Decision:
    """What a condition came to, and why in words."""

    is_true: bool
    reason: Reason
    message: str = ""


class UndecidedError(Exception):
    """The condition cannot be decided yet. reason: it, with the values that are known."""

    reason: Reason


class ProbeNeededError(UndecidedError):
    """Not before the stage's probe has run."""


class InputsNeededError(UndecidedError):
    """Not before the stages have run that its values come from."""


class _UndefinedError(Exception):
    """A metrics file that the condition compares with is not there."""


@dataclass
class Conditions:
    """Decides the conditions of a run's stages.

    known_probes: JSON that a stage's probe printed, by (stage, signature of its inputs); from the
        journal
    """

    workspace: Workspace
    stages: Sequence[Stage]
    settings: Mapping[str, StageSettings]
    allowed_env: Sequence[str] = ()
    known_probes: dict[tuple[str, str], Any] = field(default_factory=dict)
    _at_start: dict[str, Any] = field(default_factory=dict)
    _answered: dict[str, Any] = field(default_factory=dict)  # in this run, by stage

    def __post_init__(self) -> None:
        """Check every condition, and read the metrics as they are now."""
        for stage in self.stages:
            text = self.settings[stage.id].when
            if text is not None:
                _check(text, stage)
        self._producers: dict[str, str] = {}
        if any(s.when and "metrics" in s.when for s in self.settings.values()):
            self._producers = dict(self.workspace.metric_files())
            self._at_start = {path: self._read(path) for path in self._producers}
        self._needs = {stage.id: stage.needs for stage in self.stages}

    def decide(
        self, stage: Stage, reasons: Sequence[Reason], *, is_awaiting_inputs: bool = False
    ) -> Decision | None:
        """The decision for a stage with reasons to run; None without a condition.

        is_awaiting_inputs: what it needs would be made anew; old metrics and answers do not count

        Raises UndecidedError, and InputError for a name, key or comparison that cannot be.
        """
        text = self.settings[stage.id].when
        if text is None:
            return None
        from amelio.expressions import NoValueError, WrongExpressionError, evaluate

        names = self._names(stage, reasons, is_awaiting_inputs)
        try:
            value = evaluate(_one_line(text), names, {"exists": self._exists}).value
        except _UndefinedError as error:
            message = f"{error} is not there yet, so the condition is undefined and the stage runs"
            return Decision(True, _reason(text, message), message)
        except (NoValueError, WrongExpressionError) as error:
            raise _wrong(stage, str(error)) from error
        except UndecidedError as error:
            note = self._values(text, names)
            what = _one_line(text)
            error.reason = Reason(ReasonKind.CONDITION, what, new="not known yet", note=note)
            raise
        values = self._values(text, names)
        message = f"condition is {'true' if value else 'false'}: {_one_line(text)}"
        message += f" ({values})" if values else ""
        return Decision(bool(value), _reason(text, values, bool(value)), message)

    def signature(self, stage: Stage) -> str:
        """Hash of what a probe's result depends on: the stage's inputs, what the stages have made
        that ask the same, as a model, and the files that the probe's command names.
        """
        probe = self.settings[stage.id].probe or ""
        seen = [f"{path}={of_path(path)}" for path in self.seen_by_probe(stage)]
        text = "\0".join([probe, self.workspace.input_signature(stage.id), *seen])
        return sha256(text.encode()).hexdigest()

    def seen_by_probe(self, stage: Stage) -> list[str]:
        """What a probe may look at beside the stage's inputs; nothing without one."""
        probe = self.settings[stage.id].probe
        if probe is None:
            return []
        folder = (self.workspace.root / stage.place).parent
        named = [str(folder / word) for word in probe.split()]
        return [*self.workspace.outputs_asking(probe), *filter(os.path.isfile, named)]

    def take_probe(self, stage: Stage, signature: str, printed: Path) -> Any:
        """Read what a probe printed. Raises InputError when that is no JSON."""
        try:
            value = json.loads(printed.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise InputError(
                f"{stage.name}: meta.amelio.probe printed no JSON: {error}",
                path=stage.place,
                line=line_of(stage.place, [*place_in_file(stage.name), "probe"]),
                hint=f"its output is in {printed}; print messages to stderr",
            ) from error
        self.known_probes[stage.id, signature] = value
        self._answered[stage.id] = value  # also if what it depends on has moved since it was asked
        return value

    def _names(
        self, stage: Stage, reasons: Sequence[Reason], is_awaiting_inputs: bool
    ) -> dict[str, Any]:
        return {
            "params": self.workspace.parameters(stage.id),
            "metrics": self._metrics(stage, is_awaiting_inputs),
            "env": _Env(self.allowed_env),
            "changed": changes(reasons),
            "probe": _Probe(lambda: self._probe(stage, is_awaiting_inputs)),
        }

    def _values(self, text: str, names: Mapping[str, Any]) -> str:
        """What the names in the condition stand for, as far as that is known without a probe."""
        from amelio.expressions import NoValueError, evaluate

        shown = []
        for chain in _chains(ast.parse(_one_line(text), mode="eval").body):
            with suppress(NoValueError, _UndefinedError, UndecidedError, AmelioError):
                value = evaluate(chain, names, {"exists": self._exists}).value
                shown.append(f"{chain} = {_short(value)}")
        return ", ".join(dict.fromkeys(shown))

    def _probe(self, stage: Stage, is_awaiting_inputs: bool) -> Any:
        if not self.settings[stage.id].probe:
            raise _wrong(stage, "it asks for `probe`, but there is no meta.amelio.probe")
        if is_awaiting_inputs:
            raise ProbeNeededError(stage.id)
        if stage.id in self._answered:
            return self._answered[stage.id]
        key = (stage.id, self.signature(stage))
        if key not in self.known_probes:
            raise ProbeNeededError(stage.id)
        return self.known_probes[key]

    def _metrics(self, stage: Stage, is_awaiting_inputs: bool) -> "_Metrics":
        ancestors = self.ancestors(stage.id)

        def read(path: str) -> Any:
            is_new = self._producers[path] in ancestors
            if is_new and is_awaiting_inputs:
                raise InputsNeededError(path)
            found = self._read(path) if is_new else self._at_start[path]
            if isinstance(found, AmelioError):
                raise found
            return found

        return _Metrics(list(self._producers), read)

    def _read(self, path: str) -> Any:
        """A metrics file's content, or what is wrong with it: it matters only to who asks."""
        try:
            return self.workspace.read_metric(path)
        except AmelioError as error:
            return error

    def ancestors(self, stage: str) -> set[str]:
        """Ids of all the stages of the plan that it needs, at first or at second hand."""
        found: set[str] = set()
        waiting = list(self._needs[stage])
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting.extend(self._needs.get(key, ()))
        return found

    def _exists(self, *paths: Any) -> bool:
        from amelio.expressions import NoValueError

        if len(paths) != 1 or not isinstance(paths[0], str):
            raise NoValueError("exists('path') takes one path, as text")
        return (self.workspace.root / paths[0]).exists()


class _Metrics:
    """`metrics['path']`, or its stem where that is unique."""

    def __init__(self, files: Sequence[str], read: Callable[[str], Any]) -> None:
        self._files = files
        self._read = read

    def __getitem__(self, name: str) -> Any:
        from amelio.expressions import NoValueError

        path = name
        if name not in self._files:
            fitting = [path for path in self._files if PurePath(path).stem == name]
            if len(fitting) != 1:
                known = ", ".join(sorted(self._files)) or "none"
                word = "several metrics files are" if fitting else "no metrics file is"
                hint = "" if fitting else "; list it under `metrics:` of the stage that makes it"
                raise NoValueError(f"{word} called {name!r}; known are {known}{hint}")
            path = fitting[0]
        found = self._read(path)
        if found is None:
            raise _UndefinedError(path)
        return found


class _Env:
    """`env.NAME`, of the names that `amelio.yaml` allows."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    def __getitem__(self, name: str) -> str:
        from amelio.expressions import NoValueError

        if name not in self._allowed:
            raise NoValueError(f"env.{name} is not allowed; list it under `env:` in amelio.yaml")
        return os.environ.get(name, "")


class _Probe:
    """`probe.…`: asked when something in it is looked at."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask

    def __getitem__(self, key: Any) -> Any:
        from amelio.expressions import NoValueError

        value = self._ask()
        if not isinstance(value, dict) or key not in value:
            raise NoValueError(f"there is no probe.{key} in {_short(value)}")
        return value[key]


def has_outputs(stage: Stage) -> bool:
    """Whether those that need a skipped stage find something."""
    return all(Path(out.path).exists() for out in stage.outputs)


def forced_reasons(workspace: Workspace, stage: Stage, policy: Policy) -> tuple[Reason, ...]:
    """Those for which a forced stage would run anyway stand behind."""
    try:
        return (Reason(ReasonKind.FORCED), *workspace.judge(stage.id, policy).reasons)
    except AmelioError:  # as by a dependency that is not there: it runs all the same
        return (Reason(ReasonKind.FORCED),)


def require_cached(
    workspace: Workspace, stage: Stage, reasons: Sequence[Reason], policy: Policy
) -> None:
    """A conditional stage lacks outputs that the lock file has: no reason to run it. Raises
    InputError when the cache lacks them, too.
    """
    if workspace.is_cached(stage.id, policy):
        return
    lost = ", ".join(reason.what for reason in reasons)
    raise InputError(
        f"{stage.name}: unchanged since it last ran, but outputs are missing here: {lost}",
        hint=f"fetch them with `dvc pull {stage.name}`, or run it with `-fs {stage.name}`",
    )


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


def _check(text: str, stage: Stage) -> None:
    from amelio.expressions import WrongExpressionError, check

    try:
        check(_one_line(text), NAMES, ["exists"])
    except WrongExpressionError as error:
        raise _wrong(stage, str(error)) from error


def _chains(tree: ast.AST) -> list[str]:
    """The longest `a.b['c']` and `exists(…)` in an expression, from left to right."""
    if isinstance(tree, (ast.Attribute, ast.Subscript, ast.Call)):
        return [ast.unparse(tree)]
    return [chain for node in ast.iter_child_nodes(tree) for chain in _chains(node)]


def _wrong(stage: Stage, what: str) -> InputError:
    line = line_of(stage.place, [*place_in_file(stage.name), "when"])
    return InputError(f"{stage.name}: meta.amelio.when: {what}", path=stage.place, line=line)


def _reason(text: str, note: str, value: bool | None = None) -> Reason:
    new = None if value is None else str(value).lower()
    return Reason(ReasonKind.CONDITION, _one_line(text), new=new, note=note)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
