"""The rules of `quality:` in params.yaml and amelio.yaml, as typed values."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from amelio.checked_yaml import checked, read_yaml
from amelio.errors import InputError
from amelio.expressions import WrongExpressionError, check
from amelio.quality.metrics_files import is_inside
from amelio.quality.verdicts import Status

PARAMS = "params.yaml"
SETTINGS = "amelio.yaml"
EXPRESSION_NAMES = ("metrics", "params")
SUFFIXES = (".json", ".yaml", ".yml", ".toml")


class OnAlert(StrEnum):
    """Whether an alert stops a gate, or is only told."""

    FAIL = "fail"
    WARN = "warn"


class Severity(StrEnum):
    """What a rule without two limits of its own gives when it does not hold."""

    WARNING = "warning"
    ALERT = "alert"

    @property
    def status(self) -> Status:
        """The verdict of this name."""
        return Status(self.value)


def _check_source(text: str) -> str:
    file, _, key = text.partition(":")
    if not key or not file:
        raise ValueError("expected file:key, like metrics/eval_metrics.json:overall.accuracy")
    if not is_inside(file):
        raise ValueError("the file must lie inside the project, its path relative to the root")
    return text


def _check_expression(text: str) -> str:
    try:
        check(text, EXPRESSION_NAMES)
    except WrongExpressionError as error:
        raise ValueError(error.message) from error
    return text


def _check_revision(text: str) -> str:
    if text.startswith("-") or not text.strip() or any(sign in text for sign in ":\0\n"):
        raise ValueError("not a revision: expected a branch, tag, commit or experiment")
    return text


Source = Annotated[str, AfterValidator(_check_source)]
Expression = Annotated[str, AfterValidator(_check_expression)]
Revision = Annotated[str, AfterValidator(_check_revision)]
Limit = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Width = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Rule(BaseModel):
    """One rule, of exactly one kind.

    metric with *_below, *_above: limits for a number
    metric with max_drop or max_rise: how much worse than at the revision `against` it may be
    comparison: `file:key` of a statistical verdict, better, equivalent or worse; worse is too bad
    expression: must be true; sees `metrics['file'].key` and `params.key`
    severity: what all but the first kind give when they do not hold
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Source | None = None
    alert_below: Limit | None = None
    alert_above: Limit | None = None
    warning_below: Limit | None = None
    warning_above: Limit | None = None
    against: Revision | None = None
    max_drop: Width | None = None
    max_rise: Width | None = None
    comparison: Source | None = None
    expression: Expression | None = None
    severity: Severity | None = None

    @property
    def has_limits(self) -> bool:
        """Whether it holds a metric to numbers of its own."""
        limits = (self.alert_below, self.alert_above, self.warning_below, self.warning_above)
        return any(limit is not None for limit in limits)

    @property
    def is_relative(self) -> bool:
        """Whether it holds a metric to what it was at a revision."""
        return self.max_drop is not None or self.max_rise is not None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        subjects = [self.metric, self.comparison, self.expression]
        if sum(subject is not None for subject in subjects) != 1:
            raise ValueError("give exactly one of 'metric', 'comparison', 'expression'")
        if self.metric is not None and self.has_limits == self.is_relative:
            raise ValueError(
                "give the metric limits (alert_below, alert_above, warning_below, warning_above) "
                "or one of max_drop, max_rise; two rules for both"
            )
        if self.metric is None and (self.has_limits or self.is_relative):
            raise ValueError("limits need a 'metric'")
        self._check_details()
        return self

    def _check_details(self) -> None:
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError("give either 'max_drop' or 'max_rise'")
        if self.against is not None and not self.is_relative:
            raise ValueError("'against' needs 'max_drop' or 'max_rise'")
        if self.severity is not None and self.has_limits:
            raise ValueError("'severity' is in the limits' names: alert_below, warning_below")
        for alert, warning, sign in (
            (self.alert_below, self.warning_below, 1),
            (self.alert_above, self.warning_above, -1),
        ):
            if alert is not None and warning is not None and sign * (warning - alert) < 0:
                raise ValueError("the warning must come before the alert: its limit is the wider")


DEFAULT_METRICS = "metrics/eval_metrics.json"
DEFAULT_RULES = {
    "accuracy": Rule(
        metric=f"{DEFAULT_METRICS}:overall.average_accuracy", alert_below=0.70, warning_below=0.80
    )
}
EXAMPLE = """put rules into amelio.yaml:
  quality:
    rules:
      accuracy:
        metric: {metric}
        alert_below: 0.70
        warning_below: 0.80"""


class Quality(BaseModel):
    """The section `quality`: the rules by name, and what an alert does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on_alert: OnAlert | None = None
    rules: Annotated[dict[str, Rule], Field(min_length=1)] | None = None


class QualityFile(BaseModel):
    """A file with the section `quality`; other sections are somebody else's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    quality: Quality | None = None


def load_quality(files: Sequence[Path]) -> Quality:
    """The rules of all `files` that exist; on_alert is FAIL unless one says something else.

    rules: None where no file has any
    Raises InputError for a wrong key or value, a rule's name in two files, or two different
    `on_alert`.
    """
    rules: dict[str, Rule] = {}
    on_alert: OnAlert | None = None
    for path in files:
        section = _section(path) if path.exists() else Quality()
        if twice := sorted(rules.keys() & (section.rules or {}).keys()):
            raise InputError(f"quality.rules.{twice[0]}: the name is in {files[0]} too", path=path)
        if None not in (on_alert, section.on_alert) and on_alert is not section.on_alert:
            raise InputError(f"quality.on_alert: {files[0]} says something else", path=path)
        rules |= section.rules or {}
        on_alert = on_alert or section.on_alert
    return Quality(on_alert=on_alert or OnAlert.FAIL, rules=rules or None)


def _section(path: Path) -> Quality:
    tree = read_yaml(path)
    is_ours = path.name == SETTINGS  # a user's params.yaml may well have a section `quantity`
    if is_ours and "alerts" in tree:
        raise InputError(
            "alerts: where alerts go is not for the repository, which others read and change",
            path=path,
            hint="put the URLs into AMELIO_ALERT_URLS or your own settings (docs/quality.md)",
        )
    return checked(tree, QualityFile, path, is_ours=is_ours).quality or Quality()
