"""Rules that are wrong are refused with their line; rules that are right say what they hold."""

from pathlib import Path

import pytest

from amelio.errors import InputError
from amelio.quality.rules import OnAlert, load_quality

FIT = "metric: m.json:fit"


def load(tmp_path: Path, rule: str) -> str:
    path = tmp_path / "amelio.yaml"
    path.write_text(f"quality:\n  rules:\n    fit: {{{rule}}}\n")
    with pytest.raises(InputError) as caught:
        load_quality([path])
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (f"{FIT}, alert_bellow: 0.7", "line 3: quality.rules.fit.alert_bellow: unknown key; did y"),
        (f"{FIT}, alert_below: much", "line 3: quality.rules.fit.alert_below: Input should be a v"),
        (f"{FIT}, alert_below: .nan", "line 3: quality.rules.fit.alert_below: "),
        (f"{FIT}, alert_below: '0.7'", "line 3: quality.rules.fit.alert_below: "),
        (f"{FIT}, alert_below: true", "line 3: quality.rules.fit.alert_below: "),
        (f"{FIT}, max_drop: -1", "line 3: quality.rules.fit.max_drop: "),
        (f"{FIT}", "give the metric limits (alert_below, alert_above, "),
        (f"{FIT}, alert_below: 1, max_drop: 1", "two rules for both"),
        (f"{FIT}, alert_below: 0.8, warning_below: 0.7", "the warning must come before the alert"),
        (f"{FIT}, alert_above: 5, warning_above: 7", "the warning must come before the alert"),
        (f"{FIT}, max_drop: 1, max_rise: 1", "give either 'max_drop' or 'max_rise'"),
        (f"{FIT}, alert_below: 1, against: main", "'against' needs 'max_drop' or 'max_rise'"),
        (f"{FIT}, alert_below: 1, severity: alert", "'severity' is in the limits' names"),
        (f"{FIT}, max_drop: 1, severity: alrt", "unknown value 'alrt'; did you mean 'alert'?"),
        (f"{FIT}, max_drop: 1, against: --all", "not a revision"),
        (f"{FIT}, expression: 'True'", "give exactly one of 'metric', 'comparison', 'expression'"),
        ("alert_below: 1", "give exactly one of"),
        ("expression: 'True', alert_below: 1", "limits need a 'metric'"),
        ("metric: m.json, alert_below: 1", "expected file:key"),
        ("metric: /etc/m.json:fit, alert_below: 1", "the file must lie inside the project"),
        ("metric: a/../../m.json:fit, alert_below: 1", "the file must lie inside the project"),
        ("expression: 'metrics.x.fit >'", "not an expression"),
        ("expression: 'metric.x > 1'", "unknown name 'metric'; did you mean 'metrics'?"),
        ("expression: 'open(1)'", "only these functions may be called"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(tmp_path: Path, rule: str, said: str) -> None:
    text = load(tmp_path, rule)
    assert "line 3: quality.rules.fit" in text
    assert said in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quality: {rules: {}}", "quality.rules: "),
        ("quality: {on_alert: ignore}", "unknown value 'ignore'"),
        ("quality: [1]", "quality: "),
        ("- 1", "expected sections with keys"),
        ("qualty: {}", "line 1: qualty: did you mean 'quality'?"),
        ("quality: {rules: {a: 1}}", "quality.rules.a: "),
        ("quality: {", "not valid YAML"),
        ("alerts: {urls: ['json://ada:canary@h/x']}", "where alerts go is not for the repository"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "amelio.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_quality([path])
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_rules_of_two_files_are_put_together(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "params.yaml", tmp_path / "amelio.yaml"
    ours.write_text(f"train: {{x: 1}}\nquality:\n  rules:\n    a: {{{FIT}, alert_below: 1}}\n")
    theirs.write_text(f"quality:\n  on_alert: warn\n  rules:\n    b: {{{FIT}, max_rise: 1}}\n")
    both = load_quality([ours, theirs, tmp_path / "absent.yaml"])
    assert list(both.rules or {}) == ["a", "b"]
    assert both.on_alert is OnAlert.WARN
    theirs.write_text(f"quality:\n  rules:\n    a: {{{FIT}, max_rise: 1}}\n")
    with pytest.raises(InputError, match=r"quality\.rules\.a: the name is in .*params\.yaml too"):
        load_quality([ours, theirs])


def test_sections_of_the_users_params_are_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("quantity: 3\nequality: {a: 1}\n")
    assert load_quality([path]).rules is None


def test_no_file_means_no_rules_and_alerts_that_stop(tmp_path: Path) -> None:
    nothing = load_quality([tmp_path / "absent.yaml"])
    assert nothing.rules is None
    assert nothing.on_alert is OnAlert.FAIL


def test_the_rules_of_the_documentation_are_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "quality.md").read_text()
    path = tmp_path / "amelio.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    rules = load_quality([path]).rules or {}
    assert list(rules) == ["accuracy", "latency", "no_step_back", "champion", "balance"]
