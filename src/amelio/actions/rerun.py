"""`amelio perf --rerun N`: stages run again in a clean worktree, without the run cache."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amelio.actions.repro import STATE_FOLDER
from amelio.atomic import write_bytes
from amelio.dvcio.experiments.worktree_data import local_config
from amelio.dvcio.facts.facts import Keeper, StageFact, is_below
from amelio.dvcio.facts.survey import stage_facts
from amelio.dvcio.git.plumbing import plumb
from amelio.dvcio.passthrough import call_dvc, stage_environment
from amelio.dvcio.run.lockfile import LockFileReader
from amelio.dvcio.translate import translated
from amelio.dvcio.workspace import DvcWorkspace
from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments.worktrees import Worktree
from amelio.expressions import NoValueError
from amelio.insight import records
from amelio.insight.reproducibility import Check
from amelio.insight.rerun import Made, Rerun, judge_reruns
from amelio.model import ReasonKind
from amelio.quality.metrics_files import parse_metrics
from amelio.quality.rules import SUFFIXES
from amelio.redaction import one_line

TAIL_CHARACTERS = 300


@dataclass(frozen=True)
class RerunOptions:
    """tolerance: relative difference of numbers in metrics files that counts as none."""

    n_stages: int
    tolerance: float


@dataclass(frozen=True)
class _Place:
    """A clean worktree of `commit`; root: of the DVC repository in it."""

    worktree: Worktree
    root: Path
    commit: str
    config: bytes

    def clean(self) -> None:
        self.worktree.set_to(self.commit, self.commit)
        write_bytes(self.root / ".dvc" / "config.local", self.config)


def rerun(workspace: DvcWorkspace, options: RerunOptions, say: Callable[[str], None]) -> Check:
    """Run the quickest stages that are up to date again, as the last commit has them.

    The user's files, index, cache and lock file stay as they are.
    Raises InputError without a commit.
    """
    stages = stage_facts(workspace, judge=True)
    chosen = _chosen(workspace, stages, options.n_stages)
    if not chosen:
        return judge_reruns((), options.tolerance)
    done = []
    with _place(workspace) as place:
        for stage in chosen:
            say(f"[{stage.name}] runs again in a clean worktree")
            done.append(_again(stage, stages, place))
    return judge_reruns(done, options.tolerance)


def _chosen(workspace: DvcWorkspace, stages: Sequence[StageFact], n_stages: int) -> list[StageFact]:
    expected_s = records.expected_seconds(workspace.root / STATE_FOLDER)
    fit = [
        stage
        for stage in stages
        if stage.is_command
        and not stage.is_frozen
        and stage.outs
        and all(reason.kind is ReasonKind.ALWAYS for reason in stage.reasons or ())
    ]
    return sorted(fit, key=lambda stage: expected_s.get(stage.id, float("inf")))[:n_stages]


@contextmanager
def _place(workspace: DvcWorkspace) -> Iterator[_Place]:
    root = workspace.root
    commit = workspace.revision()
    if commit is None:
        raise InputError("--rerun needs a Git repository with a commit", hint="git commit")
    top = Path(plumb(["rev-parse", "--show-toplevel"], root))
    folder = root / STATE_FOLDER / "rerun" / commit[:12]
    folder.mkdir(parents=True, exist_ok=True)
    worktree = Worktree(folder, top)
    worktree.discard()  # a killed one's
    try:
        inside = worktree.tree / root.resolve().relative_to(top.resolve())
        yield _Place(worktree, inside, commit, local_config(workspace.repo))
    finally:
        worktree.discard()


def _again(stage: StageFact, stages: Sequence[StageFact], place: _Place) -> Rerun:
    place.clean()
    before = _recorded(place.root, stage)
    old = {path: _metrics(place.root, path) for path in before}
    started = time.monotonic()
    try:
        inputs = list(dict.fromkeys(_stored_inputs(stage, stages)))
        if inputs:
            call_dvc(["checkout", "--quiet", "--", *inputs], place.root)
    except EnvironmentFailedError as error:
        lines = error.message.splitlines()
        return Rerun(stage.name, 0.0, problem=one_line(f"no input data: {' '.join(lines[1:])}"))
    words = ["repro", "--single-item", "--force", "--no-run-cache", "--no-commit", stage.id]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "amelio", *words],
        cwd=place.root,
        env=stage_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    seconds = time.monotonic() - started
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[-TAIL_CHARACTERS:]
        return Rerun(stage.name, seconds, problem=one_line(f"…{said}", TAIL_CHARACTERS + 1))
    after = _recorded(place.root, stage)
    made = [
        Made(path, before.get(path), after.get(path), old.get(path), _metrics(place.root, path))
        for path in {**before, **after}
    ]
    return Rerun(stage.name, seconds, tuple(made))


def _stored_inputs(stage: StageFact, stages: Sequence[StageFact]) -> Iterator[str]:
    """What of DVC's data the stage reads."""
    outs = [out for each in stages for out in each.outs if out.is_cached and out.is_inside]
    for dep in stage.deps:
        if dep.keeper not in (Keeper.STAGE, Keeper.DVC):
            continue
        for out in outs:
            if is_below(out.path, dep.path):
                yield out.path
            elif is_below(dep.path, out.path):
                yield dep.path


def _recorded(root: Path, stage: StageFact) -> Mapping[str, str]:
    """Output → hash, by the worktree's lock file; paths relative to the root."""
    folder = Path(stage.place).parent
    with translated():
        entry = LockFileReader(root / folder / "dvc.lock").entry(stage.id.rpartition(":")[2])
    outs = (entry or {}).get("outs") or []
    at = Path(stage.folder)
    return {(at / out["path"]).as_posix(): str(out.get("md5", "")) for out in outs if "path" in out}


def _metrics(root: Path, path: str) -> Any:
    """The content of a metrics file that is there; None of anything else."""
    if not path.endswith(SUFFIXES):
        return None
    try:
        return parse_metrics((root / path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError, NoValueError):
        return None
