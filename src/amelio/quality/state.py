"""What was told and when all was well, kept between runs, so that only changes are told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from amelio.atomic import write_text
from amelio.quality.verdicts import Status, Verdict
from amelio.redaction import HIDDEN, is_secret_name

MAX_PARAMS = 2000


@dataclass(frozen=True)
class GoodRun:
    """The last check without an alert: its commit, parameters and values."""

    commit: str | None
    params: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float | str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """told: the rules whose trouble was told, with their verdict; good: None before the first."""

    told: Mapping[str, str] = field(default_factory=dict)
    good: GoodRun | None = None


def troubles(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Verdict by rule, of those that are not ok."""
    return {each.rule: each.status.value for each in verdicts if each.status is not Status.OK}


def is_change(state: State, verdicts: Sequence[Verdict]) -> bool:
    """Whether something is to be told: trouble came, changed or went, of the rules judged."""
    judged = {verdict.rule for verdict in verdicts}
    before = {rule: status for rule, status in state.told.items() if rule in judged}
    return before != troubles(verdicts)


def after_telling(state: State, verdicts: Sequence[Verdict]) -> State:
    """The state once these verdicts were told; rules that were not judged stay as they were."""
    judged = {verdict.rule for verdict in verdicts}
    others = {rule: status for rule, status in state.told.items() if rule not in judged}
    return State({**others, **troubles(verdicts)}, state.good)


def flat_params(params: Any) -> dict[str, str]:
    """`train.epochs` → "10" for every value; what a secret's name calls a secret is hidden."""
    flat: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [("", params)]
    while waiting and len(flat) < MAX_PARAMS:  # aliases of aliases would have no end
        name, value = waiting.pop()
        if isinstance(value, dict) and value and name.count(".") < 20:
            waiting += [(f"{name}.{key}".lstrip("."), inner) for key, inner in value.items()]
        elif isinstance(value, bool | int | float | str | None):
            flat[name] = HIDDEN if is_secret_name(name) else str(value)
        else:
            flat[name] = json.dumps(value, default=str)[:200]
    return dict(sorted(flat.items()))


def load_state(path: Path) -> State:
    """The state in `path`; a new one where there is none, or it is not readable."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        good = raw["good"]
        return State(dict(raw["told"]), None if good is None else GoodRun(**good))
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def save_state(path: Path, state: State) -> None:
    """Write `state` to `path`, all or nothing."""
    write_text(path, json.dumps(asdict(state), indent=1) + "\n")
