"""`amelio perf`: times, cache, sizes and reproducibility of a pipeline, from what is there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from amelio.actions.repro import STATE_FOLDER
from amelio.atomic import write_text
from amelio.dvcio.cache.garbage import unused_in_workspace
from amelio.dvcio.cache.storage import cache_facts, revision_sizes
from amelio.dvcio.facts.facts import Pushed, StageFact
from amelio.dvcio.facts.survey import pipeline_facts, stage_facts
from amelio.dvcio.remotes.remotes import RemoteAnswer, RemoteFact, ask, input_objects, remotes
from amelio.dvcio.translate import translated
from amelio.dvcio.workspace import DvcWorkspace
from amelio.errors import AmelioError
from amelio.insight import records as run_records
from amelio.insight.cache_use import measure_cache
from amelio.insight.checks import judge_pipeline
from amelio.insight.checks.state import SAVED
from amelio.insight.perf import Perf, metrics
from amelio.insight.reproducibility import Check
from amelio.insight.sizes import Garbage, Sizes, garbage, lot_sizes, stage_sizes
from amelio.insight.times import measure_times
from amelio.model import RunResult

NOT_ASKED = "the remote was not asked: --remote asks it"


class Part(StrEnum):
    """What can be measured alone."""

    TIMES = "times"
    CACHE = "cache"
    SIZES = "sizes"
    SCORE = "score"


@dataclass(frozen=True)
class PerfOptions:
    """is_remote_asked: also a remote that is no folder of this machine; further: more checks."""

    parts: frozenset[Part] = frozenset(Part)
    is_remote_asked: bool = False
    timeout_s: float = 20.0
    further: tuple[Check, ...] = ()


def measure(workspace: DvcWorkspace, options: PerfOptions) -> Perf:
    """Look at records, lock files, cache and programs; nothing of the repository is executed.

    Raises InputError for what is wrong in `dvc.yaml`.
    """
    parts = options.parts
    with translated():
        stages = stage_facts(workspace, judge=Part.SCORE in parts)
        cache = cache_facts(workspace) if parts & {Part.CACHE, Part.SIZES} else None
        runs = list(run_records.all_runs(workspace.root / STATE_FOLDER / "runs"))
        answer, asked = _ask(workspace, options)
        score = None
        if Part.SCORE in parts:
            facts = pipeline_facts(workspace, stages, _pushed(workspace, answer, asked))
            score = judge_pipeline(facts, *options.further)
        named = {stage.id: stage.name for stage in stages if stage.is_command}
        needs = {stage.id: stage.needs for stage in stages}
        expected_s = run_records.expected_seconds(workspace.root / STATE_FOLDER)
        return Perf(
            times=measure_times(runs, named, needs, expected_s) if Part.TIMES in parts else None,
            cache_use=measure_cache(runs, named) if Part.CACHE in parts else None,
            cache=cache,
            sizes=Sizes(
                stages=stage_sizes(stages),
                lots=lot_sizes(stages),
                revisions=revision_sizes(workspace),
                cache=cache,
                garbage=_garbage(runs, stages),
                remote_name=asked.name if asked else None,
                remote=answer,
            )
            if cache and Part.SIZES in parts
            else None,
            score=score,
        )


def save(root: Path, perf: Perf) -> Path:
    """Write the main figures as a DVC metrics file, `metrics/pipeline.json`."""
    path = root / SAVED
    write_text(path, json.dumps(metrics(perf), indent=2) + "\n")
    return path


def _ask(
    workspace: DvcWorkspace, options: PerfOptions
) -> tuple[RemoteAnswer | None, RemoteFact | None]:
    """The default remote, where it is a folder or was asked for."""
    if not options.parts & {Part.SIZES, Part.SCORE}:
        return None, None
    default = next((each for each in remotes(workspace) if each.is_default), None)
    if default is None or not (default.is_local or options.is_remote_asked):
        return None, default
    oids = {oid for group in input_objects(workspace).values() for oid in group}
    answer = ask(
        workspace.root,
        default.name,
        options.timeout_s,
        oids=sorted(oids),
        is_sized=Part.SIZES in options.parts,
    )
    return answer, default


def _pushed(
    workspace: DvcWorkspace, answer: RemoteAnswer | None, asked: RemoteFact | None
) -> Pushed:
    if asked is None:
        return Pushed(None)
    if answer is None:
        return Pushed(asked.name, problem=NOT_ASKED)
    if answer.problem:
        return Pushed(asked.name, problem=f"{asked.name} did not answer: {answer.problem}")
    objects = input_objects(workspace)
    gone = set(answer.missing)
    missing = tuple(path for path, oids in objects.items() if gone & set(oids))
    return Pushed(asked.name, sum(map(len, objects.values())), missing)


def _garbage(runs: Sequence[RunResult], stages: Sequence[StageFact]) -> Garbage:
    try:
        return garbage(unused_in_workspace(), runs, stages)
    except AmelioError as error:
        return Garbage(problem=error.message.splitlines()[0])
