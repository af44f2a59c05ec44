"""The chain of stages that a run had to wait for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from amelio.reports.facts import RunSpan


def with_critical_path(
    spans: Sequence[RunSpan], needs: Mapping[str, Sequence[str]]
) -> tuple[RunSpan, ...]:
    """Mark the spans that are on the critical path: from the stage that ended last, back to the
    one among those it needs that ended last, and so on.

    needs: stage → stages it needs; those that ran no command are looked through
    """
    by_stage = {span.stage: span for span in spans}
    critical: set[str] = set()
    at = max(spans, key=_end, default=None)
    while at is not None:
        critical.add(at.stage)
        earlier = [by_stage[stage] for stage in _ran_before(at.stage, needs, by_stage)]
        at = max(earlier, key=_end, default=None)
    return tuple(replace(span, is_critical=span.stage in critical) for span in spans)


def _ran_before(
    stage: str, needs: Mapping[str, Sequence[str]], by_stage: Mapping[str, RunSpan]
) -> set[str]:
    found: set[str] = set()
    seen = {stage}
    waiting = [*needs.get(stage, ())]
    while waiting:
        need = waiting.pop()
        if need in seen:
            continue
        seen.add(need)
        if need in by_stage:
            found.add(need)
        else:
            waiting += needs.get(need, ())
    return found


def _end(span: RunSpan) -> float:
    return span.start + span.seconds
