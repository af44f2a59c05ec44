"""Rules and metrics → verdicts. What cannot be judged is an alert, never a pass."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from amelio.errors import InputError
from amelio.expressions import NoValueError, WrongExpressionError, evaluate
from amelio.quality.metrics_files import (
    MetricsSource,
    as_number,
    find,
    is_inside,
    parse_metrics,
)
from amelio.quality.rules import EXPRESSION_NAMES, SUFFIXES, Rule, Severity
from amelio.quality.verdicts import Status, Verdict, number_text

HEAD = "HEAD"
_BE = {
    "<": " below", "<=": " at most", ">": " above", ">=": " at least",
    "==": "", "!=": " other than", "in": " in", "not in": " outside of",
}  # fmt: skip


class Comparison(StrEnum):
    """What a statistical comparison of challenger and champion came to."""

    BETTER = "better"
    EQUIVALENT = "equivalent"
    WORSE = "worse"


def judge(
    rules: Mapping[str, Rule], source: MetricsSource, params: Mapping[str, Any]
) -> tuple[Verdict, ...]:
    """One verdict a rule, in their order.

    Raises InputError for a rule that cannot be asked at all: an unknown revision, an expression
    that is neither true nor false.
    """
    bench = _Bench(source, params)
    return tuple(bench.verdict(name, rule) for name, rule in rules.items())


class _Bench:
    """The judge's work for one call: every file is read once."""

    def __init__(self, source: MetricsSource, params: Mapping[str, Any]) -> None:
        self._source = source
        self._params = params
        self._read: dict[tuple[str, str | None], Any] = {}

    def verdict(self, name: str, rule: Rule) -> Verdict:
        shown = rule.metric or rule.comparison or rule.expression or ""
        try:
            status, value, limit, message = self._judged(name, rule)
        except NoValueError as error:
            return Verdict(name, Status.ALERT, None, _limit_text(rule), shown, str(error))
        return Verdict(name, status, value, limit, shown, message)

    def _judged(self, name: str, rule: Rule) -> tuple[Status, float | str | None, str, str]:
        if rule.expression is not None:
            return self._expression(name, rule, rule.expression)
        if rule.comparison is not None:
            return self._comparison(rule, rule.comparison)
        source = rule.metric or ""
        value = as_number(self._value(source), source)
        if rule.is_relative:
            return self._relative(name, rule, source, value)
        status, message = _against_limits(rule, value)
        return status, value, _limit_text(rule), message

    def _relative(
        self, name: str, rule: Rule, source: str, value: float
    ) -> tuple[Status, float, str, str]:
        revision = rule.against or HEAD
        path, _, key = source.partition(":")
        try:
            base = self._at_revision(path, key, revision)
        except InputError as error:
            raise InputError(f"quality.rules.{name}.against: {error.message}") from error
        if base is None:
            message = f"nothing to compare with: no {source} at {revision}"
            return Status.WARNING, value, _limit_text(rule), message
        before = as_number(base, f"{source} at {revision}")
        drop = rule.max_drop is not None
        width = rule.max_drop if rule.max_drop is not None else rule.max_rise or 0.0
        limit = before - width if drop else before + width
        slack = 1e-12 * max(abs(value), abs(limit))  # 0.90 - 0.89 is 0.010000000000000009
        too_far = value < limit - slack if drop else value > limit + slack
        message = f"{number_text(before)} at {revision} → {number_text(value)}"
        return _failed(rule) if too_far else Status.OK, value, _limit_text(rule), message

    def _comparison(self, rule: Rule, source: str) -> tuple[Status, str, str, str]:
        value = self._value(source)
        if value not in list(Comparison):
            expected = ", ".join(Comparison)
            raise NoValueError(f"{source} is {str(value)[:40]!r}, not one of {expected}")
        failed = value == Comparison.WORSE
        message = f"the challenger is {value}{self._beside(source)}"
        return _failed(rule) if failed else Status.OK, str(value), _limit_text(rule), message

    def _beside(self, source: str) -> str:
        """With whom the challenger was compared, if the comparison says so."""
        path, _, key = source.partition(":")
        section = key.rpartition(".")[0]
        try:
            reference = find(self._present(path), f"{section}.reference".lstrip("."), path)
        except NoValueError:
            return ""
        return f" (reference: {reference})" if isinstance(reference, str) else ""

    def _expression(
        self, name: str, rule: Rule, text: str
    ) -> tuple[Status, float | str | None, str, str]:
        try:
            outcome = evaluate(
                text, dict(zip(EXPRESSION_NAMES, (_Files(self), self._params), strict=True))
            )
        except WrongExpressionError as error:
            raise InputError(f"quality.rules.{name}: {error.message}") from error
        if not isinstance(outcome.value, bool):
            raise InputError(
                f"quality.rules.{name}: the expression gives {str(outcome.value)[:40]!r}, "
                "expected true or false"
            )
        left = outcome.left if isinstance(outcome.left, int | float | str) else None
        status = Status.OK if outcome.value else _failed(rule)
        said = "it holds" if outcome.value else "it does not hold"
        if outcome.sign:
            is_now, limit = number_text(outcome.left), number_text(outcome.right)
            said = f"{outcome.subject} is {is_now}, must be{_BE[outcome.sign]} {limit}"
        return status, left, _limit_text(rule), said

    def file(self, path: str, revision: str | None = None) -> Any:
        """The parsed file, None where there is none."""
        if (path, revision) not in self._read:
            text = self._source.text(path, revision)
            self._read[path, revision] = None if text is None else (parse_metrics(text, path),)
        return self._read[path, revision]

    def named(self, name: str) -> Any:
        """A file by its path, or by its stem where that is unique in the pipeline."""
        if not name.endswith(SUFFIXES):
            name = self._source.path_of(name)
        if not is_inside(name):
            raise NoValueError(f"{name} is not a path inside the project")
        return self._present(name)

    def _present(self, path: str) -> Any:
        held = self.file(path)
        if held is None:
            raise NoValueError(f"no file {path}")
        return held[0]

    def _value(self, source: str) -> Any:
        path, _, key = source.partition(":")
        return find(self._present(path), key, path)

    def _at_revision(self, path: str, key: str, revision: str) -> Any:
        held = self.file(path, revision)
        if held is None:
            return None
        try:
            return find(held[0], key, path)
        except NoValueError:
            return None


class _Files:
    """`metrics` of an expression: files are read when they are asked for."""

    def __init__(self, bench: _Bench) -> None:
        self._bench = bench

    def __getitem__(self, key: str) -> Any:
        return self._bench.named(str(key))


def _failed(rule: Rule) -> Status:
    return (rule.severity or Severity.ALERT).status


def _against_limits(rule: Rule, value: float) -> tuple[Status, str]:
    for status, below, above in (
        (Status.ALERT, rule.alert_below, rule.alert_above),
        (Status.WARNING, rule.warning_below, rule.warning_above),
    ):
        if below is not None and value < below:
            return status, f"{number_text(value)} is below {number_text(below)}"
        if above is not None and value > above:
            return status, f"{number_text(value)} is above {number_text(above)}"
    return Status.OK, "within its limits"


def _limit_text(rule: Rule) -> str:
    if rule.has_limits:
        names = ("alert_below", "alert_above", "warning_below", "warning_above")
        limits = [(name, getattr(rule, name)) for name in names]
        return ", ".join(
            f"{name.replace('_', ' ')} {number_text(limit)}"
            for name, limit in limits
            if limit is not None
        )
    failed = _failed(rule)
    if rule.comparison is not None:
        return f"{failed} if worse"
    if rule.expression is not None:
        return f"{failed} unless true"
    word, width = ("drop", rule.max_drop) if rule.max_drop is not None else ("rise", rule.max_rise)
    return f"{failed} at a {word} of more than {number_text(width)} since {rule.against or HEAD}"
