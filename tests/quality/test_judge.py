"""Every kind of rule on good, bad, missing and broken metrics."""

import json
from typing import Any

import pytest

from amelio.errors import InputError
from amelio.expressions import NoValueError
from amelio.quality.judge import judge
from amelio.quality.rules import DEFAULT_RULES, Rule
from amelio.quality.verdicts import Status, Verdict, worst

OK, WARNING, ALERT = Status.OK, Status.WARNING, Status.ALERT


class Files:
    """Metrics files in memory: by path, or by (revision, path)."""

    def __init__(self, files: dict[Any, str]) -> None:
        self.files = files
        self.asked: list[Any] = []

    def text(self, path: str, revision: str | None) -> str | None:
        key = path if revision is None else (revision, path)
        self.asked.append(key)
        return self.files.get(key)

    def path_of(self, stem: str) -> str:
        if stem != "m":
            raise NoValueError(f"no metrics file of dvc.yaml is called {stem}")
        return "m.json"


def verdict(files: dict[Any, str], **rule: Any) -> Verdict:
    return judge({"fit": Rule(**rule)}, Files(files), {"floor": 0.5})[0]


@pytest.mark.parametrize(
    ("accuracy", "status"),
    [("0.69999", ALERT), ("0.7", WARNING), ("0.79", WARNING), ("0.8", OK), ("1", OK), ("0", ALERT)],
)
def test_the_defaults_are_the_guides_limits(accuracy: str, status: Status) -> None:
    text = f'{{"overall": {{"average_accuracy": {accuracy}}}}}'
    [done] = judge(DEFAULT_RULES, Files({"metrics/eval_metrics.json": text}), {})
    assert done.status is status
    assert done.value == float(accuracy)
    assert done.limit == "alert below 0.7, warning below 0.8"
    assert done.source == "metrics/eval_metrics.json:overall.average_accuracy"


@pytest.mark.parametrize(
    ("value", "status"), [(9, OK), (11, WARNING), (20, WARNING), (20.1, ALERT), (0, OK)]
)
def test_limits_above(value: float, status: Status) -> None:
    done = verdict(
        {"m.json": f'{{"ms": {value}}}'}, metric="m.json:ms", alert_above=20, warning_above=10
    )
    assert done.status is status


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no file m.json"),
        ("", "m.json is not readable"),
        ("{", "m.json is not readable"),
        ("null", "no key a.fit in m.json"),
        ("[]", "no key a.fit"),
        ('{"a": {"fit": NaN}}', "is nan, not a finite number"),
        ('{"a": {"fit": -Infinity}}', "is -inf, not a finite number"),
        ('{"a": {"fit": 1e999}}', "is inf, not a finite number"),
        ('{"a": {"fit": "0.99"}}', "is '0.99', not a number"),
        ('{"a": {"fit": true}}', "is true or false, not a number"),
        ('{"a": {"fit": null}}', "is empty, not a number"),
        ('{"a": {"fit": {"x": 1}}}', "is a section, not a number"),
        ('{"a": {"fit": [1]}}', "is a list, not a number"),
        ('{"a": {"Fit": 1}}', "did you mean 'a.Fit'?"),
        ("[" * 100_000, "m.json is not readable"),
        ('{"a": {"fit": ' + "9" * 5000 + "}}", "m.json is not readable"),
    ],
)
@pytest.mark.parametrize("limits", [{"alert_below": 0.5}, {"warning_above": 9}, {"max_drop": 1}])
def test_what_cannot_be_judged_is_an_alert(
    text: str | None, said: str, limits: dict[str, float]
) -> None:
    files = {"m.json": text} if text is not None else {}
    done = verdict(
        files | {("HEAD", "m.json"): '{"a": {"fit": 1}}'}, metric="m.json:a.fit", **limits
    )
    assert done.status is ALERT
    assert done.value is None
    assert said in done.message


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("m.json", '{"a": {"b": [1, {"c.d": 0.6}]}}'),
        ("m.yaml", "a:\n  b: [1, {c.d: 0.6}]\n"),
        ("m.yml", "a: {b: [1, {c.d: 0.6}]}"),
        ("m.toml", '[a]\nb = [1, {"c.d" = 0.6}]\n'),
        ("m", "a: {b: [1, {c.d: 0.6}]}"),
    ],
)
def test_every_format_and_keys_with_dots(file: str, text: str) -> None:
    done = verdict({file: text}, metric=f"{file}:a.b.1.c.d", alert_below=0.5)
    assert (done.status, done.value) == (OK, 0.6)


@pytest.mark.parametrize(
    ("now", "rule", "status"),
    [
        (0.89, {"max_drop": 0.01}, OK),
        (0.6, {"max_drop": 0.3}, OK),  # 0.9 - 0.3 is 0.6000000000000001 to a computer
        (0.8899, {"max_drop": 0.01}, ALERT),
        (0.8899, {"max_drop": 0.01, "severity": "warning"}, WARNING),
        (0.95, {"max_drop": 0.0}, OK),
        (0.91, {"max_rise": 0.01}, OK),
        (0.9101, {"max_rise": 0.01}, ALERT),
        (0.1, {"max_rise": 0.0}, OK),
    ],
)
@pytest.mark.parametrize("against", [None, "v1"])
def test_relative_to_a_revision(
    now: float, rule: dict[str, Any], status: Status, against: str | None
) -> None:
    files = {"m.json": f'{{"fit": {now}}}', (against or "HEAD", "m.json"): '{"fit": 0.9}'}
    done = verdict(files, metric="m.json:fit", against=against, **rule)
    assert done.status is status
    assert f"0.9 at {against or 'HEAD'} → " in done.message


@pytest.mark.parametrize("before", [None, "{}", '{"other": 1}'])
def test_nothing_to_compare_with_is_a_warning(before: str | None) -> None:
    files = {"m.json": '{"fit": 1}'} | ({("HEAD", "m.json"): before} if before else {})
    done = verdict(files, metric="m.json:fit", max_drop=0.1)
    assert done.status is WARNING
    assert "nothing to compare with" in done.message


@pytest.mark.parametrize("before", ['{"fit": NaN}', '{"fit": "x"}', "{"])
def test_a_broken_value_to_compare_with_is_an_alert(before: str) -> None:
    files = {"m.json": '{"fit": 1}', ("HEAD", "m.json"): before}
    assert verdict(files, metric="m.json:fit", max_drop=0.1).status is ALERT


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ('"better"', OK),
        ('"equivalent"', OK),
        ('"worse"', ALERT),
        ('"Better"', ALERT),
        ("1", ALERT),
        ("[]", ALERT),
    ],
)
def test_the_verdict_of_a_statistical_comparison(said: str, status: Status) -> None:
    files = {"c.json": f'{{"overall": {{"verdict": {said}}}}}'}
    assert verdict(files, comparison="c.json:overall.verdict").status is status
    assert verdict({}, comparison="c.json:overall.verdict").status is ALERT


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        (
            {"overall": {"verdict": "worse", "reference": "linear_on_pixels"}},
            "overall.verdict",
            "the challenger is worse (reference: linear_on_pixels)",
        ),
        (
            {"verdict": "better", "reference": "champion"},
            "verdict",
            "the challenger is better (reference: champion)",
        ),
        ({"verdict": "worse", "reference": 7}, "verdict", "the challenger is worse"),
        ({"verdict": "worse"}, "verdict", "the challenger is worse"),
    ],
)
def test_a_comparison_names_its_reference(content: dict[str, Any], key: str, message: str) -> None:
    files = {"c.json": json.dumps(content)}
    assert verdict(files, comparison=f"c.json:{key}").message == message


@pytest.mark.parametrize(
    ("expression", "status", "value"),
    [
        ("metrics['m.json'].fit > 0.8", OK, 0.9),
        ("metrics.m.fit > 0.95", ALERT, 0.9),
        ("metrics.m.fit > params.floor", OK, 0.9),
        ("metrics.m.fit > params.flor", ALERT, None),
        ("metrics.other.fit > 1", ALERT, None),
        ("metrics['absent.json'].fit > 1", ALERT, None),
        ("metrics['../m.json'].fit > 1", ALERT, None),
        ("metrics['/etc/m.json'].fit > 1", ALERT, None),
        ("not metrics.m.bad > 1", ALERT, None),
        ("metrics.m.text > 1", ALERT, None),
        ("1 in metrics", ALERT, None),
        ("len(metrics) > 1", ALERT, None),
    ],
)
def test_expressions(expression: str, status: Status, value: float | None) -> None:
    text = '{"fit": 9, "bad": NaN, "text": "0.9"}'
    files = {"m.json": text.replace("9,", "0.9,"), "../m.json": text, "/etc/m.json": text}
    done = verdict(files, expression=expression)
    assert (done.status, done.value) == (status, value)
    if value is not None:
        asked = expression.rpartition(" ")[2].replace("params.floor", "0.5")
        assert done.message.endswith(f"fit is 0.9, must be above {asked}")
    if status is ALERT:
        assert verdict(files, expression=expression, severity="warning").status in (WARNING, ALERT)


def test_an_expression_that_answers_no_question_is_wrong() -> None:
    with pytest.raises(InputError, match=r"the expression gives '0\.9', expected true"):
        verdict({"m.json": '{"fit": 0.9}'}, expression="metrics.m.fit")


def test_a_file_is_read_once_and_rules_keep_their_order() -> None:
    files = Files({"m.json": '{"a": 1, "b": 2}'})
    rules = {
        "z": Rule(metric="m.json:a", alert_below=2),
        "a": Rule(metric="m.json:b", warning_below=3),
        "m": Rule(expression="metrics.m.a == 1"),
    }
    done = judge(rules, files, {})
    assert [each.rule for each in done] == ["z", "a", "m"]
    assert [each.status for each in done] == [ALERT, WARNING, OK]
    assert worst(done) is ALERT
    assert worst(done[1:]) is WARNING
    assert worst(()) is OK
    assert files.asked == ["m.json"]


def test_an_unknown_revision_is_a_wrong_rule() -> None:
    class Unknown(Files):
        def text(self, path: str, revision: str | None) -> str | None:
            if revision:
                raise InputError("no commit has the name 'mian'")
            return super().text(path, revision)

    rules = {"fit": Rule(metric="m.json:fit", max_drop=1, against="mian")}
    with pytest.raises(InputError, match=r"quality\.rules\.fit\.against: no commit has the name"):
        judge(rules, Unknown({"m.json": '{"fit": 1}'}), {})
