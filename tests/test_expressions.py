"""Users' expressions: what they may say, and that nothing else gets through."""

from typing import Any

import pytest

from amelio.expressions import NoValueError, Outcome, WrongExpressionError, check, evaluate

NAMES: dict[str, Any] = {
    "metrics": {
        "fit": {"r2": 0.9, "items": 3, "worst": [0.5, 0.7], "name": "tree", "bad": float("nan")},
        "odd": [1, float("inf")],
    },
    "params": {"floor": 0.5},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("metrics.fit.r2 > params.floor", True),
        ("metrics['fit']['r2'] < 0.5 or not metrics.fit.items == 3", False),
        ("0.8 < metrics.fit.r2 < 1", True),
        ("min(metrics.fit.worst) >= 0.5 and max(metrics.fit.worst[0], 0.6) == 0.6", True),
        ("metrics.fit.name in ['tree', 'forest']", True),
        ("abs(round(metrics.fit.r2 * -10) / 2 + 1)", 3.5),
        ("len(metrics.fit.worst) if 'r2' in metrics.fit else 0", 2),
    ],
)
def test_data_is_compared_and_computed_with(expression: str, value: object) -> None:
    assert evaluate(expression, NAMES).value == value


def test_both_sides_of_a_single_comparison_are_told() -> None:
    told = Outcome(True, "fit.r2", 0.9, ">", 0.5)
    assert evaluate("metrics.fit.r2 > params.floor", NAMES) == told
    assert evaluate("metrics.fit.r2 > params.floor and True", NAMES) == Outcome(True)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("metrics.fit.nam > 1", "there is no metrics.fit.nam; did you mean 'name'?"),
        ("metrics.fit.worst[7] > 1", "there is no metrics.fit.worst[7]"),
        ("not metrics.fit.bad > 1", "metrics.fit.bad is nan, not a finite number"),
        ("max(metrics.odd) > 1", "metrics.odd[1] is inf, not a finite number"),
        ("metrics.fit.name < 1", "'tree' is not a number"),
        ("metrics.fit > 1", "metrics.fit is not a number"),
        ("metrics.fit == 1", "metrics.fit is no number"),
        ("1 / (metrics.fit.items - 3) > 1", "division by zero"),
        ("metrics.fit.r2.real > 0", "0.9 has nothing in it"),
        ("metrics.fit.name.upper == 1", "'tree' has nothing in it"),
        ("metrics.fit.__class__ == 1", "there is no metrics.fit.__class__"),
        ("'a' * 99999999 == 1", "'a' is not a number"),
        ("-" * 999 + "1", "recursion"),
    ],
)
def test_missing_and_unfit_data_is_never_an_answer(expression: str, said: str) -> None:
    with pytest.raises(NoValueError) as caught:
        evaluate(expression, NAMES)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "", "1 +", "a b", "x := 1", "x = 1", "metric.fit > 1", "open('/etc/passwd')", "9 ** 9 ** 9",
        "(lambda: 1)()", "[x for x in metrics]", "f'{metrics}'", "metrics.fit.keys()",
        "().__class__.__bases__[0].__subclasses__()", "__import__('os')", "min(*metrics)",
        "max(1, key=len)", "1 << 99", "metrics.odd[0:1]", "{1: 2}", "1j", "b'x'", "await x",
        "import os", "(" * 500, "1" * 1001, "'\\x00'\x00", "min(1).x()",
    ],
)  # fmt: skip
def test_everything_else_is_refused_before_it_runs(expression: str) -> None:
    with pytest.raises(WrongExpressionError):
        check(expression, ["metrics", "params"])


def test_a_bomb_of_aliases_costs_nothing() -> None:
    level: Any = ["x"] * 9
    for _ in range(60):
        level = [level] * 9
    assert evaluate("metrics.fit == 1", {"metrics": {"fit": 1, "bomb": level}}).value is True
    with pytest.raises(NoValueError):
        evaluate("metrics.bomb > 1", {"metrics": {"fit": 1, "bomb": level}})


@pytest.mark.parametrize(
    ("expression", "subject"),
    [
        ("data['a.json'].overall.n > 0", "overall.n"),
        ("data['a.json']['n'] > 0", "a.json.n"),
        ("data.list[0] > 0", "list.0"),
        ("data.n + 1 > 0", "data.n + 1"),
        (f"data.n + {'1' * 80} > 0", f"data.n + {'1' * 50}…"),
    ],
)
def test_the_left_side_in_short(expression: str, subject: str) -> None:
    data = {"a.json": {"overall": {"n": 1}, "n": 1}, "list": [1], "n": 1}
    assert evaluate(expression, {"data": data}).subject == subject
