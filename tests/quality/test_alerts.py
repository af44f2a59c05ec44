"""One message a change of state, with what changed; nothing secret in it, and no harm done."""

import json
import subprocess
from pathlib import Path

import pytest

from amelio.actions.alerts import send_test_alert
from amelio.actions.check import QualityCheck, check_quality
from amelio.errors import InputError
from amelio.quality.alert_settings import load_alert_settings, user_file
from tests.quality.conftest import LOCAL, HttpServer, MailServer

RULES = """quality:
  rules:
    fit: {metric: "m.json:r2", alert_below: 0.7, warning_below: 0.8}
    size: {metric: "m.json:mb", alert_above: 50}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed project whose rules hold; of DVC it has all that alerts need, the folder."""
    repository = tmp_path / "houses"
    (repository / ".dvc").mkdir(parents=True)
    git(repository, "init", "-q")
    git(repository, "config", "user.name", "Ada")
    git(repository, "config", "user.email", "ada@example.org")
    (repository / "amelio.yaml").write_text(RULES)
    (repository / "params.yaml").write_text("train: {lr: 0.1}\ndb: {password: canary-param}\n")
    (repository / "m.json").write_text('{"r2": 0.9, "mb": 10}')
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "A good model")
    return repository


@pytest.fixture
def _told(http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMELIO_ALERT_URLS", http_server.url)
    monkeypatch.setenv("AMELIO_ALERT_ALLOW", LOCAL)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def measure(project: Path, r2: float, mb: float = 10) -> QualityCheck:
    (project / "m.json").write_text(json.dumps({"r2": r2, "mb": mb}))
    return check_quality(project)


@pytest.mark.usefixtures("_told")
def test_only_changes_of_state_are_told(project: Path, http_server: HttpServer) -> None:
    told = [
        measure(project, r2, mb).told
        for r2, mb in [(0.9, 10), (0.6, 10), (0.5, 10), (0.5, 60), (0.75, 10), (0.9, 10), (0.91, 9)]
    ]
    sent = ("alert sent to 1 (json)",)
    assert told == [(), sent, (), sent, sent, sent, ()]
    assert [message["title"] for message in http_server.got] == [
        "[houses] alert: fit",
        "[houses] alert: fit, size",
        "[houses] warning: fit",
        "[houses] ok: all rules hold again",
    ]


@pytest.mark.usefixtures("_told")
def test_a_message_says_what_changed_since_all_was_well(
    project: Path, http_server: HttpServer
) -> None:
    measure(project, 0.9)
    (project / "params.yaml").write_text("train: {lr: 10}\ndb: {password: canary-changed}\n")
    git(project, "commit", "-qam", "Learn faster, password=canary-subject \x1b[31m")
    (project / "amelio.yaml").write_text(RULES + "# checked\n")
    done = measure(project, 0.6)
    text = http_server.got[0]["message"]
    for expected in (
        "alert: fit: 0.6 is below 0.7",
        "value: 0.6, alert below 0.7, warning below 0.8",
        "source: m.json:r2",
        "fit: 0.9 → 0.6",
        "train.lr: 0.1 → 10",
        "Learn faster, password=***",
        "params.yaml",
        "Uncommitted changes:\n  amelio.yaml\n  m.json",
    ):
        assert expected in text
    everything = [text, str(done), str(load_alert_settings()), done.markdown()]
    everything += [path.read_text() for path in project.rglob(".dvc/tmp/amelio/**/*.json")]
    assert len(everything) == 5
    assert "canary" not in "".join(everything)
    assert "\x1b" not in text


@pytest.mark.usefixtures("_told")
def test_what_could_not_be_told_is_told_later(project: Path, http_server: HttpServer) -> None:
    http_server.status = 500
    assert measure(project, 0.6).told == ("alert not sent to 1 (json): answered with status 500",)
    http_server.status = 200
    assert measure(project, 0.6).told == ("alert sent to 1 (json)",)
    assert measure(project, 0.6).told == ()


@pytest.mark.usefixtures("_told")
def test_other_rules_keep_their_state(project: Path, http_server: HttpServer) -> None:
    """The gate judges the rules of params.yaml only; that is no recovery of the others."""
    measure(project, 0.6)
    (project / "params.yaml").write_text(RULES.replace("fit:", "lean:").replace("size:", "big:"))
    (project / "m.json").write_text('{"r2": 0.9, "mb": 10}')
    check_quality(project, ["params.yaml"])
    (project / "m.json").write_text('{"r2": 0.6, "mb": 10}')
    check_quality(project, ["amelio.yaml"])
    assert len(http_server.got) == 1


@pytest.mark.usefixtures("_told")
def test_an_experiment_calls_nobody(
    project: Path, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "brave-bee")
    assert measure(project, 0.6).told == ()
    assert http_server.visits == 0


def test_without_urls_nothing_is_sent_or_counted_as_told(
    project: Path, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measure(project, 0.6).told == ()
    monkeypatch.setenv("AMELIO_ALERT_URLS", http_server.url)
    monkeypatch.setenv("AMELIO_ALERT_ALLOW", LOCAL)
    assert measure(project, 0.6).told == ("alert sent to 1 (json)",)
    state = next(project.glob(".dvc/tmp/amelio/quality/*.json"))
    state.write_text("{")
    assert measure(project, 0.6).told == ("alert sent to 1 (json)",)


def test_wrong_settings_of_alerts_never_change_the_verdict(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMELIO_ALERT_URLS", "json://canary@127.0.0.1/x")
    monkeypatch.setenv("AMELIO_ALERT_ALLOW", "everything")
    done = measure(project, 0.6)
    assert done.stops
    assert done.told[0].startswith("alerts do not work: AMELIO_ALERT_ALLOW: expected an address")
    user_file().parent.mkdir(parents=True)
    user_file().write_text("alerts: {urls: ['json://canary@h/x'], alow: []}\n")
    done = measure(project, 0.6)
    assert "alerts.alow: unknown key; did you mean 'allow'?" in done.told[0]
    assert "canary" not in str(done)


def test_a_test_message_goes_to_the_users_own_places(
    project: Path, http_server: HttpServer, mail_server: MailServer
) -> None:
    with pytest.raises(InputError, match="no URLs for alerts"):
        send_test_alert(project)
    user_file().parent.mkdir(parents=True)
    mail = f"mailto://127.0.0.1:{mail_server.port}?from=bot@example.org&to=ada@example.org"
    user_file().write_text(
        f"alerts:\n  urls: ['{http_server.url}', '{mail}']\n  allow: [{LOCAL}]\n"
    )
    done = send_test_alert(project)
    assert [each.problem for each in done] == ["", ""]
    assert http_server.got[0]["title"] == "amelio: test alert"
    assert len(mail_server.letters) == 1
