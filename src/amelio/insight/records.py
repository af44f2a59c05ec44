"""Run records: one JSON file for each run; what stages took before; pruning."""

import dataclasses
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from amelio.atomic import write_text
from amelio.model import (
    Outcome,
    OutputFact,
    Reason,
    ReasonKind,
    RunResult,
    Selection,
    StageResult,
    Usage,
)

RECORD = "record.json"
TIMES = "times.json"
SIZE = "bytes"
FORMAT = 1
_SETTLED = (Outcome.RAN, Outcome.RESTORED, Outcome.PULLED, Outcome.UP_TO_DATE)


def save(folder: Path, run: RunResult, parameters: dict[str, Any] | None = None) -> Path:
    """Write a run's record into its folder."""
    path = folder / RECORD
    raw = {"format": FORMAT, "parameters": parameters or {}, **dataclasses.asdict(run)}
    write_text(path, json.dumps(raw, default=str, indent=1))
    return path


def load(path: Path) -> RunResult:
    """Read a record. Raises ValueError or KeyError when it is damaged."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return RunResult(
        run=raw["run"],
        started=raw["started"],
        ended=raw["ended"],
        jobs=raw["jobs"],
        stages=tuple(map(_stage, raw["stages"])),
        revision=raw["revision"],
        selection=Selection(**{**raw["selection"], "targets": tuple(raw["selection"]["targets"])}),
    )


def _stage(raw: dict[str, Any]) -> StageResult:
    return StageResult(
        **{
            **raw,
            "outcome": Outcome(raw["outcome"]),
            "reasons": tuple(
                Reason(**{**r, "kind": ReasonKind(r["kind"])}) for r in raw["reasons"]
            ),
            "usage": Usage(**raw["usage"]) if raw["usage"] else None,
            "log": Path(raw["log"]) if raw["log"] else None,
            "outputs": tuple(OutputFact(**out) for out in raw["outputs"]),
        }
    )


def all_runs(runs: Path) -> Iterator[RunResult]:
    """Every readable record, newest first."""
    for path in sorted(runs.glob(f"*/{RECORD}"), reverse=True):
        try:
            yield load(path)
        except (ValueError, KeyError, TypeError, OSError):
            continue


def expected_seconds(state: Path) -> dict[str, float]:
    """What each stage took when its commands last ran through, by id."""
    try:
        raw = json.loads((state / TIMES).read_text(encoding="utf-8"))
        return {str(stage): float(seconds) for stage, seconds in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember_seconds(state: Path, run: RunResult) -> None:
    """Note what the stages of a run took."""
    took = {s.stage: s.usage.wall_s for s in run.with_outcome(Outcome.RAN) if s.usage}
    if took:
        times = json.dumps({**expected_seconds(state), **took})
        write_text(state / TIMES, times, is_synced=False)


def last_log(runs: Path, stage_name: str) -> Path | None:
    """The log of a stage's last attempt, by its name or id."""
    for run in all_runs(runs):
        for stage in run.stages:
            if stage.log and stage_name in (stage.name, stage.stage) and stage.log.exists():
                return stage.log
    return None


def last_failures(runs: Path, stages: Iterable[str]) -> dict[str, str]:
    """How the last attempts at stages failed, by their ids; without those that did not."""
    open_ones, failures = set(stages), {}
    for run in all_runs(runs) if open_ones else ():
        for stage in run.with_outcome(*_SETTLED, Outcome.FAILED, Outcome.INTERRUPTED):
            if stage.stage in open_ones:
                open_ones.remove(stage.stage)
                if stage.outcome is Outcome.FAILED:
                    failures[stage.stage] = stage.message
        if not open_ones:
            break
    return failures


def prune(runs: Path, keep_runs: int, keep_bytes: int, spared: set[str]) -> None:
    """Remove the oldest runs' folders beyond `keep_runs` or `keep_bytes`; not those in `spared`."""
    total_bytes = 0
    for n, folder in enumerate(sorted((p for p in runs.iterdir() if p.is_dir()), reverse=True)):
        if folder.name in spared:
            continue
        if n >= keep_runs or total_bytes > keep_bytes:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        total_bytes += _size_bytes(folder)


def _size_bytes(folder: Path) -> int:
    """What a run's folder takes; counted once, as 50 runs of 200 stages have 30,000 files."""
    note = folder / SIZE
    try:
        return int(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        size_bytes = sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())
        with suppress(OSError):
            note.write_text(str(size_bytes), encoding="utf-8")
        return size_bytes
