"""The few metrics that stand at the top of a report."""

from collections.abc import Sequence
from dataclasses import dataclass

from amelio.reports.changes import Change, FileChanges, Kind
from amelio.reports.directions import better_of
from amelio.reports.facts import Gate

N_HIGHLIGHTS = 6


@dataclass(frozen=True)
class Highlight:
    """One metric and where it stands."""

    path: str
    row: Change


def highlights(files: Sequence[FileChanges], judged: Sequence[str]) -> tuple[Highlight, ...]:
    """Those that a rule judges first, then those with a known good direction and a short name.

    judged: `file:key` of the rules' metrics
    """
    found = [
        Highlight(each.path, row)
        for each in files
        for row in each.rows
        if row.kind is not Kind.GONE and _is_figure(row.now)
    ]
    wanted = [each for each in found if f"{each.path}:{each.row.name}" in judged]
    others = [each for each in found if each not in wanted and better_of(each.row.name)]
    files_judged = {source.partition(":")[0] for source in judged}
    others.sort(key=lambda each: (each.path not in files_judged, each.row.name.count(".")))
    chosen: list[Highlight] = []
    for each in (*wanted, *others):
        last = each.row.name.rpartition(".")[2]
        if all(last != other.row.name.rpartition(".")[2] for other in chosen):
            chosen.append(each)
    return tuple(chosen[:N_HIGHLIGHTS])


def judged_by(gate: Gate | None) -> list[str]:
    """`file:key` of the metrics that the gate's rules name."""
    return [rule.source for rule in gate.rules] if gate else []


def judged_first(files: Sequence[FileChanges], judged: Sequence[str]) -> tuple[FileChanges, ...]:
    """The files in the order in which rules name them, then the others."""
    paths = list(dict.fromkeys(source.partition(":")[0] for source in judged))
    rank = {path: place for place, path in enumerate(paths)}
    return tuple(sorted(files, key=lambda each: rank.get(each.path, len(rank))))


def _is_figure(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
