"""What artefacts weigh, as a section for people."""

import time

from amelio.insight.sizes import Garbage, Sizes
from amelio.insight.tables import Section, Table, shortened
from amelio.insight.wording import duration, size


def size_section(sizes: Sizes, n_rows: int | None) -> Section:
    """Stages; in full also lots and revisions."""
    stages = Table(
        ("Outputs of", "Size", "Files"),
        tuple(
            (each.name, size(each.size_bytes) + " + ?" * bool(each.n_unknown), str(each.n_files))
            for each in sizes.stages
        ),
        frozenset({1, 2}),
    )
    stages, more = shortened(stages, n_rows, "amelio perf sizes")
    tables = [stages]
    if n_rows is None:
        tables += [table for table in (_lots(sizes), _revisions(sizes)) if table.rows]
    made = sum(each.size_bytes for each in sizes.stages if each.is_stage)
    inputs = sum(each.size_bytes for each in sizes.stages if not each.is_stage)
    headline = (
        f"stages made {size(made)}, tracked inputs {size(inputs)}, "
        f"the cache holds {size(sizes.cache.size_bytes)} in {sizes.cache.n_files} files"
    )
    notes = (*more, _remote(sizes), *_garbage(sizes.garbage))
    return Section("Artefact sizes", headline, tuple(tables), notes)


def _lots(sizes: Sizes) -> Table:
    rows = tuple(
        (f"{lot.group}@{lot.item}", size(lot.in_bytes), size(lot.out_bytes)) for lot in sizes.lots
    )
    return Table(("Item", "It alone reads", "Makes"), rows, frozenset({1, 2}))


def _revisions(sizes: Sizes) -> Table:
    rows = tuple(
        (
            each.commit[:7],
            time.strftime("%Y-%m-%d", time.gmtime(each.when)),
            each.subject,
            each.problem or size(each.size_bytes),
            "" if each.problem else size(each.new_bytes),
        )
        for each in sizes.revisions
    )
    return Table(
        ("Revision", "Date", "Subject", "Tracked", "In no later one"), rows, frozenset({3, 4})
    )


def _remote(sizes: Sizes) -> str:
    if sizes.remote_name is None:
        return "no default remote"
    if sizes.remote is None:
        return f"the remote {sizes.remote_name} was not asked: `amelio perf sizes --remote`"
    if sizes.remote.problem or sizes.remote.size_bytes is None:
        return f"the remote {sizes.remote_name} did not answer: {sizes.remote.problem}"
    held = f"{size(sizes.remote.size_bytes)} in {sizes.remote.n_files} files"
    return f"the remote {sizes.remote_name} holds {held}"


def _garbage(found: Garbage) -> list[str]:
    if found.problem:
        return [f"what `amelio gc --workspace` would free cannot be told: {found.problem}"]
    if not found.n_files:
        return ["`amelio gc --workspace` would free nothing"]
    text = f"`amelio gc --workspace` would free {size(found.size_bytes)} in {found.n_files} files"
    if found.n_runs:
        runs = f"{found.n_runs} recorded run{'s' * (found.n_runs != 1)} of stages"
        text += f", which took {duration(found.again_s)} to make ({runs})"
    if found.unrecorded_bytes:
        text += f"; {size(found.unrecorded_bytes)} are of runs without a record"
    if found.inputs:
        text += f"; no stage can make {', '.join(found.inputs)} again"
    return [text]
