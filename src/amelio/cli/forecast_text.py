"""What a run would do, in lines."""

from collections.abc import Iterator

from amelio.actions.repro import ForecastResult
from amelio.engine.forecast import Forecast
from amelio.insight.wording import counted, duration, reason
from amelio.model import Outcome, ReasonKind

_WORDS = {
    Outcome.RAN: "would run",
    Outcome.RESTORED: "would be restored from the run cache",
    Outcome.PULLED: "would be pulled",
    Outcome.UP_TO_DATE: "is up to date: command, parameters, dependencies, outputs are the same",
    Outcome.SKIPPED: "would be skipped",
    Outcome.FAILED: "would fail",
    Outcome.NOT_REACHED: "would not be reached",
}


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    """One stage: what would become of it, and every reason."""
    text = f"{forecast.stage.name} {_WORDS[forecast.outcome]}"
    if forecast.outcome is Outcome.UP_TO_DATE and forecast.stage.is_frozen:
        text = f"{forecast.stage.name} is frozen: its dependencies are not looked at"
    if forecast.outcome is Outcome.RAN and forecast.expected_s is not None:
        text += f", about {duration(forecast.expected_s)}"
    if _is_open(forecast):
        text += ", unless its inputs come out the same"
    yield text
    for found in forecast.reasons:
        yield f"  {reason(found)}"
    if forecast.message and forecast.outcome is not Outcome.SKIPPED:
        yield f"  {forecast.message}"


def failure_lines(result: ForecastResult) -> Iterator[str]:
    """Only what would fail."""
    for forecast in result.stages:
        if forecast.outcome is Outcome.FAILED:
            yield from forecast_lines(forecast)


def result_lines(result: ForecastResult) -> Iterator[str]:
    """A whole run: what would happen, then how long it would take."""
    busy = [f for f in result.stages if f.outcome is not Outcome.UP_TO_DATE]
    for forecast in busy:
        yield from forecast_lines(forecast)
    n_idle = len(result.stages) - len(busy)
    if n_idle:
        yield f"{n_idle} {'stage is' if n_idle == 1 else 'stages are'} up to date"
    if any(f.outcome is Outcome.RAN for f in busy):
        unknown = sum(f.outcome is Outcome.RAN and f.expected_s is None for f in busy)
        is_upper_bound = any(_is_open(f) or f.is_undecided for f in busy)
        bound = "at most " if result.total_s and is_upper_bound else ""
        total = duration(result.total_s) if result.total_s else "unknown"
        guess = f"; {unknown} never measured, taken as the mean" if unknown else ""
        jobs = counted(result.jobs, "job")
        yield f"expected: {bound}{total} with {jobs}{guess if result.total_s else ''}"


def _is_open(forecast: Forecast) -> bool:
    """Whether the stage runs is only known when those before it have run."""
    kinds = {found.kind for found in forecast.reasons}
    return forecast.outcome is Outcome.RAN and kinds - {ReasonKind.CONDITION} == {
        ReasonKind.UPSTREAM
    }
