"""S16: what a repository or a log says cannot command the terminal of who looks at it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run

ESCAPES = {
    "colour": "\x1b[31m",
    "erase the screen": "\x1b[2J\x1b[1;1H",
    "move up and overwrite": "\x1b[5A\x1b[K",
    "alternate screen": "\x1b[?1049h",
    "set the title": "\x1b]0;owned\x07",
    "write the clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "hyperlink": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "ask for an answer": "\x1b[6n\x1b[c",
    "device control": "\x1bP+q544e\x1b\\",
    "8-bit CSI": "\x9b31m",
    "8-bit OSC": "\x9d0;owned\x9c",
    "bell and backspaces": "\x07safe\x08\x08\x08\x08evil",
    "right to left": "\u202etxt.exe",
    "isolates": "\u2066a\u2069\u2067b\u2069",
    "delete": "\x7f",
}
EVIL = "".join(f"{name} {text} " for name, text in ESCAPES.items())
NEVER_OURS = sorted(set(ESCAPES) - {"colour", "erase the screen"})
ALLOWED = frozenset("\n\t")
WORDS: tuple[tuple[str, ...], ...] = (
    ("repro", "--dry"),
    ("why", "talks"),
    ("why", "fails"),
    ("repro", "--keep-going", "--force", "-v"),
    ("why", f"unknown {EVIL}"),
    ("repro", f"unknown{EVIL}"),
    ("params", "show"),
    ("metrics", "show"),
    ("exp", "show"),
    ("exp", "status"),
    ("perf",),
    ("report",),
    ("check",),
    ("health",),
)


def _commands_terminal(text: str) -> list[str]:
    """Control characters, and those that turn the direction of writing."""
    turning = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return sorted(
        {ascii(c) for c in text if c not in ALLOWED and (not c.isprintable() or c in turning)}
    )


@pytest.fixture
def evil(repository: Path) -> Path:
    quoted = json.dumps(EVIL)
    (repository / "say.sh").write_text("cat evil.txt; cat evil.txt >&2; exit $1\n")
    (repository / "evil.txt").write_text(f"{EVIL}\n{EVIL}", encoding="utf-8")
    (repository / "params.yaml").write_text(f"name: {quoted}\nn: 1\n")
    (repository / "metrics.json").write_text(json.dumps({f"a{EVIL}": 1, "b": EVIL}))
    stages = {
        "talks": {"cmd": "sh say.sh 0 > out", "deps": ["say.sh"], "params": ["name"],
                  "outs": ["out"], "desc": EVIL},
        "fails": {"cmd": f"sh say.sh 1 # {EVIL}", "params": ["n"], "deps": ["out"],
                  "outs": ["never"], "meta": {"amelio": {"when": f"params.name != {quoted}"}}},
        "breaks": {"cmd": "sh say.sh 1", "deps": ["say.sh"], "outs": ["no"]},
    }  # fmt: skip
    pipeline = {"stages": stages, "metrics": ["metrics.json"]}
    (repository / "dvc.yaml").write_text(json.dumps(pipeline))
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", EVIL], cwd=repository, check=True)
    return repository


def test_no_command_passes_on_an_escape(evil: Path, amelio: Run) -> None:
    amelio("repro", "talks", cwd=evil)
    (evil / "params.yaml").write_text(f"name: {json.dumps('new ' + EVIL)}\nn: 1\n")
    found = {}
    for words in WORDS:
        done = amelio(*words, cwd=evil)
        assert "a bug of ours" not in done.stderr, words
        found[words] = _commands_terminal(done.stdout + done.stderr)
    assert [words for words in WORDS if found[words]] == []


def at_a_terminal(root: Path, *words: str) -> str:
    """What `amelio WORDS` writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "amelio", *words], cwd=root, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 65536)
        except OSError:  # nobody has the other end open any more
            break
    os.close(ours)
    process.wait(60)
    return said.decode(errors="replace")


def test_at_a_terminal_only_amelio_gives_orders(evil: Path) -> None:
    for words in (("repro", "-k"), ("repro", "-f", "-k", "-v"), ("why", "fails")):
        said = at_a_terminal(evil, *words)
        assert "fails" in said
        assert [name for name in NEVER_OURS if ESCAPES[name] in said] == []


def test_the_raw_log_has_everything(evil: Path, amelio: Run) -> None:
    amelio("repro", "--keep-going", cwd=evil)
    assert "\x1b]52" in amelio("logs", "breaks", cwd=evil).stdout
