"""Secrets and control codes do not reach a reader; ordinary words do."""

import pytest

from amelio.redaction import is_secret_name, one_line, redacted


@pytest.mark.parametrize(
    "text",
    [
        "https://ada:canary@example.org/x",
        "GET /x?access_token=canary&y=1",
        "password=canary",
        "api_key: canary",
        "{'password': 'canary'}",
        "log canary-from-the-environment here",
        "listed canary-given",
    ],
)
def test_secrets_are_taken_out(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", "canary-from-the-environment")
    assert "canary" not in redacted(text, ["canary-given"])


def test_control_codes_are_taken_out() -> None:
    assert redacted("a\x1b[31mb\x07\u202ec\nd\te") == "a[31mbc\nd\te"
    assert one_line("a\nb  c" + "d" * 300, max_length=8) == "a b cdd…"


@pytest.mark.parametrize(
    "name", ["db.password", "API_KEY", "SECRET", "gitlab_token", "azure.account_key", "SSH_KEY"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["train.epochs", "max_tokens", "tokenizer", "keyboard", "passes", "monkey", "data.seed"]
)
def test_ordinary_names_are_none(name: str) -> None:
    assert not is_secret_name(name)
