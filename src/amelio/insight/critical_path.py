"""The chain of stages that no number of jobs makes shorter."""

from collections.abc import Mapping, Sequence


def critical_path(
    needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> tuple[str, ...]:
    """The chain of stages, each needing the one before, whose times add up to the most.

    needs: every stage, after those that it needs
    seconds: what each took; a stage without a time is looked through
    """
    ends: dict[str, tuple[float, str | None]] = {}
    for stage, before in needs.items():
        known = [need for need in before if need in ends]
        latest = max(known, key=lambda need: ends[need][0], default=None)
        start_s = ends[latest][0] if latest is not None else 0.0
        ends[stage] = (start_s + seconds.get(stage, 0.0), latest)
    chain = []
    at = max(ends, key=lambda stage: ends[stage][0], default=None)
    while at is not None:
        if seconds.get(at):
            chain.append(at)
        at = ends[at][1]
    return tuple(reversed(chain))
