"""What a run would do: every stage's reasons, what the cache would serve, and how long it would
take.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from amelio.engine.conditions import (
    Conditions,
    ProbeNeededError,
    UndecidedError,
    forced_reasons,
    has_outputs,
    require_cached,
)
from amelio.engine.injection import require_plain_words
from amelio.engine.schedule import Schedule
from amelio.errors import AmelioError, InputError
from amelio.model import (
    OnError,
    Outcome,
    Policy,
    Reason,
    ReasonKind,
    Stage,
    StageKind,
    Verdict,
    Workspace,
)


@dataclass(frozen=True)
class Forecast:
    """One stage of a plan that is not run.

    outcome: what would become of it; RAN when it would run
    expected_s: seconds, None without a record
    is_undecided: whether its condition will be true is not known
    """

    stage: Stage
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    message: str = ""
    expected_s: float | None = None
    is_undecided: bool = False


def forecast(
    workspace: Workspace,
    stages: Sequence[Stage],
    policy: Policy,
    conditions: Conditions,
    expected_s: Mapping[str, float],
    *,
    allow_unsafe_params: bool = False,
) -> list[Forecast]:
    """Judge every stage in serial order, counting on those that it needs. Runs nothing."""
    found: dict[str, Forecast] = {}
    forced: set[str] = set()
    for stage in stages:
        is_forced = policy.force or stage.id in forced
        this = _foresee(workspace, stage, replace(policy, force=is_forced), conditions, found)
        if this.outcome in _MAKING and not allow_unsafe_params:
            this = _refused(workspace, this)
        found[stage.id] = replace(this, expected_s=expected_s.get(stage.id))
        if policy.force_downstream and (is_forced or this.outcome in _MAKING):
            forced.update(other.id for other in stages if stage.id in other.needs)
    return list(found.values())


def _refused(workspace: Workspace, forecast: Forecast) -> Forecast:
    try:
        require_plain_words(workspace, forecast.stage)
    except InputError as error:
        return replace(forecast, outcome=Outcome.FAILED, message=str(error))
    return forecast


_MAKING = (Outcome.RAN, Outcome.RESTORED)


def _foresee(
    workspace: Workspace,
    stage: Stage,
    policy: Policy,
    conditions: Conditions,
    before: Mapping[str, Forecast],
) -> Forecast:
    needs = [before[need] for need in stage.needs]
    lost = [need for need in needs if _leaves_nothing(need, policy)]
    if policy.force:
        return _forced(workspace, stage, policy, needs, lost)
    try:
        verdict = workspace.judge(stage.id, policy)
    except AmelioError as error:
        return Forecast(stage, Outcome.FAILED, message=str(error))
    upstream = tuple(
        Reason(ReasonKind.UPSTREAM, need.stage.name, note=note)
        for need in needs
        if (note := _leaves_open(need, stage))
    )
    reasons = verdict.reasons + upstream
    if not reasons:
        return Forecast(stage, Outcome.UP_TO_DATE)
    if lost:
        return _not_reached(stage, reasons, lost)
    if policy.pull and verdict.is_pullable and not upstream:
        return _pulled(workspace, stage, verdict, needs)
    is_lacking = verdict.is_pullable and not upstream  # outputs that the lock file has
    try:
        if is_lacking and conditions.settings[stage.id].when:
            require_cached(workspace, stage, reasons, replace(policy, pull=False))
            return Forecast(stage, Outcome.RESTORED, reasons)
        changing = (before[key].outcome for key in conditions.ancestors(stage.id) if key in before)
        is_awaiting_inputs = any(outcome in (*_MAKING, Outcome.PULLED) for outcome in changing)
        decision = conditions.decide(stage, reasons, is_awaiting_inputs=is_awaiting_inputs)
    except UndecidedError as error:
        what = "its probe makes" if isinstance(error, ProbeNeededError) else "new metrics make"
        told = f"only if {what} the condition true"
        reasons = (*reasons, error.reason)
        return Forecast(stage, Outcome.RAN, reasons, told, is_undecided=True)
    except AmelioError as error:
        return Forecast(stage, Outcome.FAILED, reasons, str(error))
    if decision is not None:
        reasons = (*reasons, decision.reason)
        if not decision.is_true:
            return Forecast(stage, Outcome.SKIPPED, reasons, decision.message)
    if stage.kind is not StageKind.COMMAND:
        return _internal(workspace, stage, reasons)
    if upstream:
        return Forecast(stage, Outcome.RAN, reasons)
    try:
        is_cached = workspace.is_cached(stage.id, replace(policy, pull=False))
    except AmelioError as error:
        is_brought = any(need.outcome in (Outcome.RESTORED, Outcome.PULLED) for need in needs)
        if not is_brought:
            if policy.pull:
                told = f"{error.message}; it would be fetched first, if the remote has it"
                return Forecast(stage, Outcome.RAN, reasons, told)
            return Forecast(stage, Outcome.FAILED, reasons, str(error))
        is_cached = False  # what is missing would be there by then
    return Forecast(stage, Outcome.RESTORED if is_cached else Outcome.RAN, reasons)


def _leaves_open(need: Forecast, stage: Stage) -> str:
    """Why it is not known what the stage's inputs will be; "" where it is."""
    if need.outcome is Outcome.RAN:
        return "would run"
    outs = {out.path for out in need.stage.outputs}
    is_part = any(
        path not in outs and (Path(path).is_relative_to(out) or Path(out).is_relative_to(path))
        for path in stage.inputs
        for out in outs
    )
    return "would be restored" if need.outcome is Outcome.RESTORED and is_part else ""


def _forced(
    workspace: Workspace,
    stage: Stage,
    policy: Policy,
    needs: Sequence[Forecast],
    lost: Sequence[Forecast],
) -> Forecast:
    reasons = forced_reasons(workspace, stage, policy)
    if lost:
        return _not_reached(stage, reasons, lost)
    if stage.kind is not StageKind.COMMAND:
        return _internal(workspace, stage, reasons)
    made = [out.path for need in needs for out in need.stage.outputs]
    missing = [
        os.path.relpath(path)
        for path in stage.inputs
        if not Path(path).exists() and not any(Path(path).is_relative_to(out) for out in made)
    ]
    told = f"without {', '.join(missing)}, which it needs" if missing else ""
    return Forecast(stage, Outcome.RAN, reasons, told)


def _not_reached(stage: Stage, reasons: tuple[Reason, ...], lost: Sequence[Forecast]) -> Forecast:
    first = lost[0]
    return Forecast(stage, Outcome.NOT_REACHED, reasons, f"{first.stage.name} {first.outcome}")


def _internal(workspace: Workspace, stage: Stage, reasons: tuple[Reason, ...]) -> Forecast:
    try:
        workspace.require_data(stage.id)
    except AmelioError as error:
        return Forecast(stage, Outcome.FAILED, reasons, str(error))
    return Forecast(stage, Outcome.RAN, reasons)


def _pulled(
    workspace: Workspace, stage: Stage, verdict: Verdict, needs: Sequence[Forecast]
) -> Forecast:
    """What becomes of a stage that lacks nothing but data."""
    lacks_outputs = any(reason.kind is ReasonKind.OUTPUT for reason in verdict.reasons)
    if not lacks_outputs and any(need.outcome is Outcome.PULLED for need in needs):
        return Forecast(stage, Outcome.UP_TO_DATE)
    is_known = workspace.has_stored(stage.id)
    told = "" if is_known else "if the remote has it, which is not known before; else it would run"
    return Forecast(stage, Outcome.PULLED, verdict.reasons, told)


def _leaves_nothing(forecast: Forecast, policy: Policy) -> bool:
    if forecast.outcome is Outcome.FAILED:
        return policy.on_error is not OnError.IGNORE
    is_skipped = forecast.outcome is Outcome.SKIPPED
    return forecast.outcome is Outcome.NOT_REACHED or (
        is_skipped and not has_outputs(forecast.stage)
    )


def expected_total_s(forecasts: Sequence[Forecast], schedule: Schedule) -> float:
    """How long the run would take: the schedule played with the expected times. Uses the schedule
    up.

    Stages without a record count as the mean of those with one; 0 when none that runs has one.
    """
    times = {f.stage.id: f.expected_s for f in forecasts if f.expected_s is not None}
    if not any(f.outcome is Outcome.RAN and f.stage.id in times for f in forecasts):
        return 0.0
    mean_s = sum(times.values()) / len(times)
    cost_s = {
        f.stage.id: times.get(f.stage.id, mean_s) if f.outcome is Outcome.RAN else 0.0
        for f in forecasts
    }
    now_s = 0.0
    ends_s: dict[str, float] = {}
    while not schedule.is_done:
        ready = next(schedule.startable(), None)
        if ready is not None:
            schedule.start(ready)
            ends_s[ready] = now_s + cost_s[ready]
            continue
        first = min(ends_s, key=ends_s.__getitem__)
        now_s = ends_s.pop(first)
        schedule.finish(first)
    return now_s
