"""Whether a stage made the same again: by hash, and metrics by how far they are apart."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amelio.insight.reproducibility import Check, Finding

WEIGHT = 15
MAX_SHOWN = 3


@dataclass(frozen=True)
class Made:
    """One output of a stage that ran again.

    old_hash, new_hash: None where it was not made
    old, new: contents of a metrics file, None of anything else
    """

    path: str
    old_hash: str | None
    new_hash: str | None
    old: Any = None
    new: Any = None


@dataclass(frozen=True)
class Rerun:
    """A stage that ran again; problem: why it did not get to its end."""

    stage: str
    seconds: float
    outputs: tuple[Made, ...] = ()
    problem: str = ""


def judge_reruns(reruns: Sequence[Rerun], tolerance: float) -> Check:
    """A check that counts with the others."""
    findings = [finding for each in reruns if (finding := _finding(each, tolerance))]
    n_same = len(reruns) - len(findings)
    names = ", ".join(each.stage for each in reruns)
    return Check(
        name="rerun-same",
        title="Stages make the same again",
        weight=WEIGHT,
        n_seen=len(reruns),
        evidence=f"{n_same} of {len(reruns)} made the same again: {names}",
        findings=tuple(findings),
        undecided="" if reruns else "no stage could be run again",
    )


def _finding(again: Rerun, tolerance: float) -> Finding | None:
    if again.problem:
        return Finding(
            f"{again.stage} did not run through in a clean worktree: {again.problem}",
            f"declare in dvc.yaml, and version, whatever {again.stage} needs",
        )
    different = [text for made in again.outputs if (text := _difference(made, tolerance))]
    if not different:
        return None
    return Finding(
        f"{again.stage} made something else: {'; '.join(different)}",
        "look for unseeded random numbers, times, threads and orders of files in its program",
    )


def _difference(made: Made, tolerance: float) -> str:
    if made.old_hash == made.new_hash:
        return ""
    if made.new_hash is None:
        return f"{made.path} was not made"
    if made.old is None or made.new is None:
        return f"{made.path} differs"
    apart = list(_apart(made.old, made.new, "", tolerance))
    if not apart:
        return ""
    more = f" and {len(apart) - MAX_SHOWN} more" if len(apart) > MAX_SHOWN else ""
    return f"{made.path}: {', '.join(apart[:MAX_SHOWN])}{more}"


def _apart(old: Any, new: Any, key: str, tolerance: float) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            inner = f"{key}.{name}" if key else str(name)
            yield from _apart(old.get(name), new.get(name), inner, tolerance)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _apart(before, after, f"{key}[{place}]", tolerance)
    elif not _is_same(old, new, tolerance):
        yield f"{key} {old} → {new}"


def _is_same(old: Any, new: Any, tolerance: float) -> bool:
    if old == new:
        return True
    if isinstance(old, int | float) and isinstance(new, int | float):
        return math.isclose(old, new, rel_tol=tolerance) or (old != old and new != new)
    return False
