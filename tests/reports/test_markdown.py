"""The Markdown reports and the comment on a pull request."""

from amelio.model import Outcome
from amelio.reports.facts import Compared, Gate, Mark, Origin, Report, RuleResult, StageFact
from amelio.reports.markdown import metrics_report, params_report, pipeline_report
from amelio.reports.pull_request import MARKER, MAX_BYTES, pull_request_comment

ORIGIN = Origin("faces", "now", "main", "a" * 40, "Train", 0, "b" * 40, "Start", "main")
RULE = RuleResult("accuracy", Mark.BAD, "0.5", "alert below 0.7", "0.5 is below 0.7", "m.json:a")


def test_metrics_report_tells_before_now_and_direction() -> None:
    compared = Compared({"m.json": {"accuracy": 0.9}}, {"m.json": {"accuracy": 0.8}})
    text = metrics_report(Report(ORIGIN, metrics=compared))
    assert "| `accuracy` | `0.8` | `0.9` | +0.1 ↑ ✅ |" in text
    assert "aaaaaaa Train, compared with bbbbbbb Start (main)" in text
    assert "✅" not in params_report(Report(ORIGIN, params=compared))


def test_nothing_yet() -> None:
    empty = Report(Origin("faces", "now"))
    assert "No metrics files yet" in metrics_report(empty)
    assert "nothing to compare with" in params_report(empty)
    assert "No stages" in pipeline_report(empty)
    assert pull_request_comment(empty).startswith(MARKER)


def test_signs_of_markdown_stay_signs() -> None:
    compared = Compared({"a|b.json": {"x|`y": "| <b> `", "snake_case": "_a_"}})
    text = metrics_report(Report(ORIGIN, metrics=compared))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
    assert "<b>" not in text
    assert "`snake_case`" in text


def test_comment_has_gate_changes_and_graph() -> None:
    report = Report(
        ORIGIN,
        gate=Gate("Alert: accuracy.", Mark.BAD, (RULE,)),
        metrics=Compared({"m.json": {"loss": 2, "n": 1}}, {"m.json": {"loss": 1, "n": 1}}),
        stages=(
            StageFact("a", "a", outcome=Outcome.FAILED, message="its command failed"),
            StageFact("b", "b", outcome=Outcome.NOT_REACHED),
        ),
        problems=("metrics/x.json: no JSON",),
    )
    text = pull_request_comment(report)
    failure = "### ❌ a failed: its command failed. 1 stage was not reached; its results, if any, "
    assert text.index(failure) < text.index("### ❌ Alert: accuracy.")
    assert "Metrics: 1 of 2 changed" in text
    assert "+1 ↑ ❌" in text
    assert "```mermaid" in text
    assert "metrics/x.json: no JSON" in text


def test_comment_fits_whatever_the_pipeline_is() -> None:
    files = {
        f"metrics/{n}.json": {f"{'long name ' * 15}{i}": "é" * 300 for i in range(100)}
        for n in range(60)
    }
    stages = tuple(StageFact(f"{n}", "stage" * 40 + str(n)) for n in range(400))
    report = Report(
        ORIGIN,
        gate=Gate("x" * 200, Mark.GOOD, (RULE,) * 300),
        metrics=Compared(files),
        params=Compared(files),
        stages=stages,
    )
    text = pull_request_comment(report)
    assert len(text.encode()) <= MAX_BYTES
    assert "does not fit" in text
