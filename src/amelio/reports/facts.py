"""What a report is made of, as the action gathers it; nothing here reads or writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from amelio.insight.reproducibility import Score
from amelio.model import Outcome


class Mark(StrEnum):
    """How something came out, for its colour and sign."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Better(StrEnum):
    """Which direction of a metric is the good one."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class RuleResult:
    """One rule of the quality gate; all texts for people."""

    rule: str
    mark: Mark
    value: str
    limit: str
    why: str
    source: str


@dataclass(frozen=True)
class Gate:
    """How the quality gate came out."""

    headline: str
    mark: Mark
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True)
class Compared:
    """Files of metrics or parameters, now and as of the baseline: file → content.

    problems: file → why it cannot be read now
    """

    now: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What is reported on, and against what. Commits in full; None where there is none.

    uncommitted: how many tracked files differ from the last commit
    """

    project: str
    made: str
    branch: str | None = None
    commit: str | None = None
    subject: str = ""
    uncommitted: int = 0
    baseline: str | None = None
    baseline_subject: str = ""
    baseline_why: str = ""


@dataclass(frozen=True)
class StageFact:
    """One stage of the pipeline, and what became of it in the last run.

    needs: ids; group: the name before `@` of a stage made by `foreach` or `matrix`
    outcome: None when the last run was not about it
    seconds: what its commands took, in the last run or when it last ran
    """

    id: str
    name: str
    needs: tuple[str, ...] = ()
    group: str | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    reasons: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class RunSpan:
    """One stage's commands in the last run; start in seconds after the run's."""

    stage: str
    name: str
    start: float
    seconds: float
    cpu_s: float
    peak_bytes: int
    outcome: Outcome
    is_critical: bool = False


@dataclass(frozen=True)
class LastRun:
    """The last run in which something happened. when: for people; took in seconds."""

    when: str
    took: float
    jobs: int
    spans: tuple[RunSpan, ...] = ()
    saved_s: float = 0.0


@dataclass(frozen=True)
class Picture:
    """An image inside the page. source: a `data:` URI."""

    source: str
    caption: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Chart:
    """A plot: a Vega-Lite spec without its rows, or pictures.

    group: charts of the same group stand side by side
    """

    title: str
    group: str = ""
    spec: Mapping[str, Any] | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A metrics file that gets a section of its own, such as data quality or drift."""

    title: str
    path: str
    content: Any


@dataclass(frozen=True)
class LotPredictions:
    """The predictions of one lot.

    classes: attribute → class → how many images
    """

    lot: str
    n_images: int
    n_uncertain: int
    classes: Mapping[str, Mapping[str, int]]
    thumbnails: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """One experiment; params and metrics: name → value, as in its files."""

    name: str
    revision: str
    created: str
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Experiments:
    """The table of experiments. importance: parameter → share of what it explains, highest first.

    metric: which metric the importance is about
    """

    rows: tuple[Experiment, ...] = ()
    metric: str = ""
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Everything that a report tells; what is empty gets no section.

    problems: what is wrong with the user's files; failures: what the network did not give
    """

    origin: Origin
    gate: Gate | None = None
    metrics: Compared = field(default_factory=Compared)
    params: Compared = field(default_factory=Compared)
    better: Mapping[str, Better] = field(default_factory=dict)
    stages: tuple[StageFact, ...] = ()
    run: LastRun | None = None
    charts: tuple[Chart, ...] = ()
    pages: tuple[Page, ...] = ()
    lots: tuple[LotPredictions, ...] = ()
    experiments: Experiments = field(default_factory=Experiments)
    score: Score | None = None
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
