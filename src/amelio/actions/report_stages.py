"""The pipeline's stages with what became of them, and the last run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from amelio.actions.repro import STATE_FOLDER
from amelio.dvcio.workspace import open_workspace
from amelio.errors import AmelioError
from amelio.insight import records
from amelio.insight.critical_path import critical_path
from amelio.insight.wording import reason
from amelio.model import (
    Outcome,
    Policy,
    RunResult,
    Selection,
    Stage,
    StageResult,
    Workspace,
)
from amelio.reports.facts import LastRun, RunSpan, StageFact

_STOPPED = (Outcome.FAILED, Outcome.INTERRUPTED, Outcome.NOT_REACHED)


def stage_facts(root: Path) -> tuple[StageFact, ...]:
    """Every stage of the repository around the working directory, in serial order.

    Raises InputError for what is wrong in a dvc.yaml.
    """
    workspace = open_workspace(is_quiet=True)
    plan = workspace.plan(Selection(all_pipelines=True))
    latest = _without_mended(workspace, plan, _latest(root))
    expected = records.expected_seconds(root / STATE_FOLDER)
    facts = []
    for stage in plan:
        held = latest.get(stage.id)
        took = held.usage.wall_s if held and held.usage else expected.get(stage.id)
        group, at, _ = stage.name.rpartition("@")
        facts.append(
            StageFact(
                id=stage.id,
                name=stage.name,
                needs=stage.needs,
                group=group if at else None,
                outcome=held.outcome if held else None,
                seconds=took,
                reasons=tuple(map(reason, held.reasons)) if held else (),
                message=held.message if held else "",
            )
        )
    return tuple(facts)


def last_run(root: Path, stages: Sequence[StageFact]) -> LastRun | None:
    """The newest run in which commands ran; None before the first."""
    needs = {stage.id: stage.needs for stage in stages}
    for run in records.all_runs(root / STATE_FOLDER / "runs"):
        spans = _spans(run)
        if spans:
            path = critical_path(needs, {span.stage: span.seconds for span in spans})
            marked = tuple(replace(span, is_critical=span.stage in path) for span in spans)
            return _told(run, marked)
    return None


def _latest(root: Path) -> Mapping[str, StageResult]:
    """Every stage's result in the newest run that was about it."""
    found: dict[str, StageResult] = {}
    for run in records.all_runs(root / STATE_FOLDER / "runs"):
        for stage in run.stages:
            found.setdefault(stage.stage, stage)
    return found


def _without_mended(
    workspace: Workspace, plan: Sequence[Stage], latest: Mapping[str, StageResult]
) -> Mapping[str, StageResult]:
    """`latest`, where what failed or was not reached is up to date once neither the stage nor one
    before it has a reason to run any more: its input was put back, or DVC ran it.
    """
    held = dict(latest)
    stopped: set[str] = set()
    with workspace.session(is_dry=True):
        for stage in plan:
            result = latest.get(stage.id)
            if result is None or result.outcome not in _STOPPED:
                continue
            if not stopped.isdisjoint(stage.needs) or _has_reasons(workspace, stage):
                stopped.add(stage.id)
            else:
                held[stage.id] = replace(
                    result, outcome=Outcome.UP_TO_DATE, reasons=(), message="", usage=None
                )
    return held


def _has_reasons(workspace: Workspace, stage: Stage) -> bool:
    try:
        return bool(workspace.judge(stage.id, Policy(allow_missing=True)).reasons)
    except AmelioError:  # what cannot be judged is as it was
        return True


def _spans(run: RunResult) -> list[RunSpan]:
    return [
        RunSpan(
            stage=stage.stage,
            name=stage.name,
            start=max(0.0, stage.started - run.started),
            seconds=stage.usage.wall_s,
            cpu_s=stage.usage.cpu_s,
            peak_bytes=stage.usage.peak_bytes,
            outcome=stage.outcome,
        )
        for stage in run.stages
        if stage.started is not None and stage.usage is not None
    ]


def _told(run: RunResult, spans: tuple[RunSpan, ...]) -> LastRun:
    return LastRun(
        when=f"{datetime.fromtimestamp(run.started).astimezone():%Y-%m-%d %H:%M}",
        took=run.ended - run.started,
        jobs=run.jobs,
        spans=spans,
        saved_s=sum(stage.saved_s for stage in run.stages),
    )
