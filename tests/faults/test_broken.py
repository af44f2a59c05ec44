"""What a user reads when something is wrong, word for word (B15).

`broken_messages.txt` has it all in one place; `AMELIO_WRITE_MESSAGES=1` writes it anew.
"""

import os
import re
from pathlib import Path

import pytest

from amelio import cli
from tests.actions.engine_project import Project
from tests.faults.broken import CASES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")
MESSAGES = Path(__file__).with_name("broken_messages.txt")
_CHANGING = (
    (re.compile(r"\b\d+(\.\d+)? s\b"), "TIME"),
    (re.compile(r"runs/[\d-]+/"), "runs/RUN/"),
)


def _said(project: Project, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    case = CASES[name]
    project.write("in", "1")
    for path, content in case.files.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (project.root / path).write_bytes(raw)
    code = cli.run(list(case.words))
    printed = capsys.readouterr()
    text = f"{printed.out}{printed.err}".replace(f"{project.root}", "ROOT")
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"exit code {code}\n{lines}\n"


@pytest.fixture
def messages() -> dict[str, str]:
    """What should be said, by case."""
    text = MESSAGES.read_text(encoding="utf-8") if MESSAGES.exists() else ""
    parts = re.split(r"^== (.*)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_broken_configuration(
    project: Project,
    name: str,
    messages: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in CASES[name].env.items():
        monkeypatch.setenv(variable, value)
    capsys.readouterr()
    said = _said(project, name, capsys)
    if os.environ.get("AMELIO_WRITE_MESSAGES"):
        messages[name] = said
        text = "".join(f"== {case}\n{messages[case]}" for case in CASES if case in messages)
        MESSAGES.write_text(text, encoding="utf-8")
    assert said == messages[name]
    assert said.startswith(f"exit code {CASES[name].code}\n")
    assert "Traceback" not in said
    assert "a bug of ours" not in said


def test_at_least_25_cases_are_told_and_no_other(messages: dict[str, str]) -> None:
    assert len(CASES) >= 25
    assert list(messages) == list(CASES)
