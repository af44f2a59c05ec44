"""B20: eight secrets in eight places; nothing that others get to see has one of them."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run

SECRETS = {
    "environment": "canary-one-7f3a",
    "parameter": "canary-two-8b1c",
    "address": "canary-three-9d2e",
    "committed settings": "canary-four-0e5f",
    "local settings": "canary-five-1a6b",
    "log": "canary-six-2c7d",
    "commit message": "canary-seven-3e8f",
    "data": "canary-eight-4a9b",
}
ENVIRONMENT = {
    "REGISTRY_TOKEN": SECRETS["environment"],
    "BUILD_PASSWORD": SECRETS["log"],
    "CI_API_KEY": f"{SECRETS['commit message']} {SECRETS['data']}",
}
# Not `exp show --json`: that is DVC's own JSON, as DVC prints it, for programs.
WORDS: tuple[tuple[str, ...], ...] = (
    ("repro", "--dry"),
    ("repro", "--keep-going", "--force", "-v"),
    ("why", "train"),
    ("why", "train", "--json"),
    ("repro", "--json", "--keep-going"),
    ("report",),
    ("report", "--pr"),
    ("perf",),
    ("perf", "--json"),
    ("health",),
    ("health", "--json"),
    ("exp", "show"),
    ("exp", "status"),
    ("check",),
    ("check", "--json"),
    ("ci", "github"),
)


def _write(root: Path, n: int) -> None:
    user = f"https://ada:{SECRETS['address']}@example.org/x{n}"
    params = {"lr": n, "url": user, "db": {"password": f"{SECRETS['parameter']}-{n}"}}
    (root / "params.yaml").write_text(json.dumps(params))
    (root / "metrics.json").write_text(json.dumps({"accuracy": n, "note": SECRETS["data"]}))


@pytest.fixture
def leaky(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _write(repository, 1)
    (repository / "curve.csv").write_text(f"step,loss\n0,{SECRETS['data']}\n1,2\n")
    (repository / ".dvc/config").write_text(
        "[core]\n    remote = r\n['remote \"r\"']\n    url = s3://bucket/x\n    endpointurl = http://127.0.0.1:9\n"
        f"    secret_access_key = {SECRETS['committed settings']}\n"
    )
    (repository / ".dvc/config.local").write_text(
        f"['remote \"r\"']\n    session_token = {SECRETS['local settings']}\n"
    )
    stages = {
        "train": {"cmd": "echo using $REGISTRY_TOKEN; echo > out",
                  "params": ["lr", "url", "db"], "outs": ["out"]},
        "breaks": {"cmd": "echo password=$BUILD_PASSWORD >&2; exit 1", "deps": ["out"],
                   "outs": ["never"]},
    }  # fmt: skip
    pipeline = {"stages": stages, "metrics": ["metrics.json"], "plots": ["curve.csv"]}
    (repository / "dvc.yaml").write_text(json.dumps(pipeline))
    rules = {"rules": {"good": {"expression": "params.lr < 2"}}}
    (repository / "amelio.yaml").write_text(json.dumps({"quality": rules}))
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    message = f"See {SECRETS['commit message']}"
    subprocess.run(["git", "commit", "-qm", message], cwd=repository, check=True)
    return repository


def test_no_secret_is_seen(leaky: Path, amelio: Run) -> None:
    amelio("repro", cwd=leaky)
    _write(leaky, 2)
    before = {path for path in leaky.rglob("*") if path.is_file()}
    told = {}
    for words in WORDS:
        done = amelio(*words, cwd=leaky)
        assert "a bug of ours" not in done.stderr, words
        told[" ".join(words)] = done.stdout + done.stderr
    for path in leaky.rglob("*"):
        if path.is_file() and path not in before and ".dvc" not in path.parts:
            told[str(path.relative_to(leaky))] = path.read_text(errors="replace")
    assert any(name.endswith("report.html") for name in told)
    found = {(name, kind) for name in told for kind, s in SECRETS.items() if s in told[name]}
    assert not found


def test_the_raw_log_is_raw(leaky: Path, amelio: Run) -> None:
    """It is the user's own, on the user's own disk."""
    amelio("repro", cwd=leaky)
    assert SECRETS["log"] in amelio("logs", "breaks", cwd=leaky).stdout
