"""The gate before training: verdict, page and the bytes that stay the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from amelio.actions.data_gate import DataCheck, run_data_gate
from amelio.errors import InputError, StageFailedError
from amelio.quality.verdicts import Status
from amelio.vision.validation.findings import Check

GATE, PAGE = Path("metrics/data_gate.json"), Path("reports/data_quality.md")


class Project:
    """What validate_data leaves behind: nothing found in 100 images."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checks: dict[str, Any] = {
            str(check): {"n": 0, "of": 100, "share": 0.0} for check in Check
        }
        self.findings = "check,line,file,finding\n"
        self.params = ""

    def find(self, check: Check, n: int, *rows: str) -> None:
        self.checks[str(check)] = {"n": n, "of": 100, "share": n / 100}
        self.findings += "".join(f"{check},{row}\n" for row in rows)

    def judge(self) -> DataCheck:
        (self.root / "metrics").mkdir(exist_ok=True)
        (self.root / "params.yaml").write_text(self.params)
        (self.root / "metrics/data_quality.json").write_text(json.dumps({"checks": self.checks}))
        (self.root / "findings.csv").write_text(self.findings)
        return run_data_gate(
            self.root, Path("metrics/data_quality.json"), Path("findings.csv"), GATE, PAGE
        )

    def status(self, check: Check) -> Status:
        return {each.rule: each.status for each in self.judge().verdicts}[str(check)]

    @property
    def page(self) -> str:
        return (self.root / PAGE).read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_fine_data_passes(project: Project) -> None:
    check = project.judge()
    check.require()
    assert check.lines() == ["✅ The data is fine."]
    assert "The data is fine." in project.page


def test_the_verdict_is_the_same_as_long_as_the_gate_passes(project: Project) -> None:
    project.judge()
    before = (project.root / GATE).read_bytes()
    project.find(Check.REPEATED_ROWS, 3, "7,s1/a.png,s1/a.png stands in line 3 already")
    check = project.judge()
    check.require()
    assert (project.root / GATE).read_bytes() == before == b'{"verdict": "passed"}\n'
    assert check.lines() == [
        "⚠️ repeated_rows: 3 of 100 rows (3 %)",
        "  line 7: s1/a.png stands in line 3 already",
    ]
    assert "- line 7: s1/a.png stands in line 3 already" in project.page


def test_an_alert_shuts_it_and_the_page_says_why(project: Project) -> None:
    project.find(Check.LEAKS, 2, *(f",s1/{n}.png,s1/{n}.png: shows <b>x</b>" for n in range(12)))
    check = project.judge()
    with pytest.raises(StageFailedError, match=r"the data gate is shut: leaks\n  reports/data_qu"):
        check.require()
    assert not (project.root / GATE).exists()
    assert "Alert: leaks." in project.page
    assert "| ❌ | Test images that show" in project.page
    assert "2 of 100 test images (2 %) | alert above 1 % |" in project.page
    assert "- s1/9.png: shows &lt;b>x&lt;/b>" in project.page
    assert "- … and 2 more" in project.page


def test_the_terminal_has_the_first_two_findings(project: Project) -> None:
    project.find(Check.DARK, 1, ",s1/a.png,s1/a.png: let pass")
    project.find(Check.LEAKS, 5, *(f",s1/{n}.png,s1/{n}.png: shows <b>\x1b[1m" for n in range(5)))
    project.find(Check.UNKNOWN_FILES, 2, "4,,no such file: a.png", "9,,no such file: b.png")
    assert project.judge().lines() == [
        "❌ unknown_files: 2 of 100 rows (2 %)",
        "  line 4: no such file: a.png",
        "  line 9: no such file: b.png",
        "❌ leaks: 5 of 100 test images (5 %)",
        "  s1/0.png: shows <b>[1m",
        "  s1/1.png: shows <b>[1m",
        "  … and 3 more, see reports/data_quality.md",
    ]


def test_shares_up_to_the_limit_pass(project: Project) -> None:
    project.find(Check.LEAKS, 1)
    assert project.status(Check.LEAKS) is Status.OK
    project.params = "validation:\n  leaks: {max_share: 0.005}\n"
    assert project.status(Check.LEAKS) is Status.ALERT
    project.params = "validation:\n  leaks: {max_share: 0.005, severity: warning}\n"
    assert project.status(Check.LEAKS) is Status.WARNING


def test_a_check_that_is_off_is_not_asked_for(project: Project) -> None:
    del project.checks["leaks"]
    assert project.status(Check.LEAKS) is Status.ALERT  # what cannot be judged is an alert
    assert "leaks is missing" in project.page or "no " in project.page
    project.params = "validation:\n  leaks: {severity: off}\n"
    assert "leaks" not in {each.rule for each in project.judge().verdicts}


@pytest.mark.parametrize("share", [float("nan"), "much", None, True])
def test_what_is_no_number_is_an_alert(project: Project, share: object) -> None:
    project.checks["dark"] = {"n": 0, "of": 100, "share": share}
    assert project.status(Check.DARK) is Status.ALERT


def test_no_findings_at_all(project: Project) -> None:
    (project.root / "params.yaml").write_text("")
    check = run_data_gate(project.root, Path("nowhere.json"), Path("nowhere.csv"), GATE, PAGE)
    assert check.stops
    assert "no file nowhere.json" in project.page


def test_wrong_parameters(project: Project) -> None:
    project.params = "validation:\n  leeks: {severity: alert}\n"
    with pytest.raises(InputError, match="did you mean 'leaks'"):
        project.judge()
