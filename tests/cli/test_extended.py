"""DVC's words with amelio's additions: the guide's spellings, credentials, gc, cache folders."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc import logger  # noqa: F401 - it keeps the stderr that it finds when first imported

from amelio import cli
from amelio.dvcio.passthrough import stage_environment
from amelio.dvcio.remotes.settings import CREDENTIALS
from amelio.redaction import is_secret_name
from tests.conftest import Run

PIPELINE = """\
stages:
  train:
    cmd: cat params.yaml > model && cp params.yaml score.yaml
    params: [rate]
    outs: [model]
    metrics: [{score.yaml: {cache: false}}]
"""
HARMLESS = {  # paths, switches and kinds
    "auth", "gss_auth", "bearer_token_command", "credentialpath",
    "gdrive_user_credentials_file", "ask_password", "ask_passphrase",
    "exclude_environment_credential", "exclude_managed_identity_credential",
    "exclude_shared_token_cache_credential", "exclude_visual_studio_code_credential",
}  # fmt: skip


def git(*words: str, cwd: Path) -> str:
    return subprocess.run(
        ["git", *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project is kept once it is made."""
    return tmp_path_factory.mktemp("stored") / "project"


@pytest.fixture
def project(stored: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of it."""
    if not stored.exists():
        shutil.copytree(request.getfixturevalue("made"), stored)
    return Path(shutil.copytree(stored, tmp_path / "project"))


@pytest.fixture
def made(repository: Path, amelio: Run) -> Path:
    """Two commits on `trunk`: rate 1 and rate 2."""
    git("branch", "-M", "trunk", cwd=repository)
    (repository / "dvc.yaml").write_text(PIPELINE)
    for rate in (1, 2):
        (repository / "params.yaml").write_text(f"rate: {rate}\nname: a|b\n")
        assert amelio("repro", "-q", cwd=repository).returncode == 0
        git("add", ".", cwd=repository)
        git("commit", "--quiet", "-m", f"Rate {rate}", cwd=repository)
    return repository


def dvc(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=cwd, capture_output=True, text=True
    )


def test_the_guides_spelling_is_dvcs_markdown(amelio: Run, project: Path) -> None:
    for words in (["metrics", "show"], ["metrics", "diff", "HEAD~1"], ["params", "diff", "--all"]):
        ours = amelio(*words, "--show-md", cwd=project)
        theirs = dvc(*words, "--md", cwd=project)
        assert ours.returncode == theirs.returncode == 0
        assert ours.stdout == theirs.stdout
        assert "| Path" in ours.stdout
    plain = amelio("metrics", "diff", "HEAD~1", "--json", cwd=project)
    assert json.loads(plain.stdout)["score.yaml"]["rate"] == {"old": 1, "new": 2, "diff": 1}


def test_a_broken_metrics_file_is_named(amelio: Run, project: Path) -> None:
    (project / "score.yaml").write_text("rate: [1")
    for words in (["show"], ["diff"]):
        done = amelio("metrics", *words, cwd=project)
        assert done.returncode == 0  # as DVC's
        assert "amelio: score.yaml: not valid YAML: line 1: " in done.stderr


def test_a_terminal_has_a_metric_a_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_PAGER", "cat")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    (project / "score.yaml").write_text("rate: 0.123456789\ntest: {loss: 2}\n")
    for words in (["metrics", "show"], ["metrics", "show", "score.yaml"]):
        assert cli.run(words) == 0
        assert capfd.readouterr().out == "score.yaml\n  rate       0.12346\n  test.loss  2\n"
    assert cli.run(["metrics", "show", "--md"]) == 0
    assert "| Path" in capfd.readouterr().out
    assert cli.run(["metrics", "show", "nope.yaml"]) == 0
    assert "failed to load" in capfd.readouterr().err
    assert cli.run(["metrics", "show", "--nope"]) == 254
    assert capfd.readouterr().err.count("usage") <= 1


def test_params_show_is_of_the_workspace_or_of_revisions(amelio: Run, project: Path) -> None:
    (project / "params.yaml").write_text("rate: 3\nname: a|b\n")
    shown = amelio("params", "show", cwd=project)
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["Path", "Param", "Value"],
        ["params.yaml", "rate", "3"],
        ["params.yaml", "name", "a|b"],
    ]
    both = amelio("params", "show", "HEAD", "HEAD~1", "--show-md", "--no-path", cwd=project)
    assert both.stdout.splitlines() == [
        "| Param | HEAD | HEAD~1 |",
        "| --- | ---: | ---: |",
        "| rate | 2 | 1 |",
        "| name | a\\|b | a\\|b |",
    ]
    only = amelio("params", "show", "workspace", "trunk", "--deps", "--json", cwd=project)
    assert json.loads(only.stdout) == {
        "workspace": {"data": {"params.yaml": {"data": {"rate": 3}}}},
        "trunk": {"data": {"params.yaml": {"data": {"rate": 2}}}},
    }
    (project / "params.yaml").write_text("rate: [")
    broken = amelio("params", "show", cwd=project)
    assert broken.returncode == 2
    assert broken.stderr == (
        "amelio: workspace: unable to read: 'params.yaml', YAML file structure is corrupted\n"
    )


def test_help_is_dvcs_and_says_what_amelio_adds(amelio: Run, tmp_path: Path) -> None:
    told = amelio("metrics", "diff", "--help", cwd=tmp_path)
    assert told.returncode == 0
    assert "usage: dvc metrics diff" in told.stdout
    assert "--show-md" in told.stdout
    assert "amelio params show" in amelio("params", "show", "-h", cwd=tmp_path).stdout
    assert amelio("params", "show", "--nonsense", cwd=tmp_path).returncode == 2
    assert amelio("metrics", "diff", "--nonsense", cwd=tmp_path).returncode == 254


@pytest.mark.parametrize("words", [["params", "diff", "main"], ["metrics", "diff", "main"]])
def test_an_unknown_revision_is_told_with_those_that_there_are(
    amelio: Run, project: Path, words: list[str]
) -> None:
    git("tag", "maine", cwd=project)
    done = amelio(*words, cwd=project)
    assert done.returncode == 2
    assert done.stderr == (
        "amelio: no revision 'main' in this repository\n"
        "  did you mean 'maine'? there are: trunk, maine, HEAD\n"
    )


def test_a_shallow_clone_says_that_it_is_one(amelio: Run, project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth", "1", f"file://{project}", str(clone), cwd=tmp_path)
    done = amelio("metrics", "diff", "HEAD~1", cwd=clone)
    assert done.returncode == 2
    assert "up to HEAD it has one commit; this is a shallow clone: `git fetch" in done.stderr


@pytest.fixture
def with_remote(project: Path, amelio: Run) -> Path:
    """Both models are in a remote; the cache has a file that no commit knows."""
    amelio("remote", "add", "-d", "far", "../remote", cwd=project)
    for revision in ("HEAD~1", "HEAD"):
        git("checkout", revision, "dvc.lock", cwd=project)
        assert amelio("push", cwd=project).returncode == 0
    (project / "extra").write_text("of no commit")
    assert amelio("add", "extra", cwd=project).returncode == 0
    (project / "extra.dvc").unlink()
    return project


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "files").rglob("*"))


def test_gc_lists_and_frees_nothing_without_a_terminal(amelio: Run, with_remote: Path) -> None:
    cache, far = with_remote / ".dvc/cache", with_remote.parent / "remote"
    before = files(cache), files(far)
    done = amelio("gc", "--workspace", "--cloud", cwd=with_remote, COLUMNS="120")
    assert done.returncode == 1
    assert "there is no terminal to ask at" in done.stderr
    assert "amelio gc --workspace --cloud -f frees it" in done.stderr
    old = git("rev-parse", "--short", "HEAD~1", cwd=with_remote).strip()
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    assert ["cache", "(of no commit)", "1", "12 B", ""] in rows
    assert ["cache", "model", "1", "18 B", old] in rows
    assert [row[1:] for row in rows if row[0] == "remote far"] == [["model", "1", "18 B", old]]
    assert (files(cache), files(far)) == before
    forced = amelio("gc", "--workspace", "--cloud", "-f", cwd=with_remote)
    assert forced.returncode == 0
    assert (files(cache), files(far)) == (before[0] - 2, before[1] - 1)
    assert amelio("gc", "-w", cwd=with_remote).stdout.startswith("nothing to free")
    assert amelio("gc", cwd=with_remote).returncode == 255


@pytest.mark.parametrize(("answer", "code", "freed"), [("n", 1, 0), ("y", 0, 2)])
def test_gc_asks_at_a_terminal(
    with_remote: Path, answer: str, code: int, freed: int, terminal: Callable[..., int]
) -> None:
    before = files(with_remote / ".dvc/cache")
    assert terminal(["gc", "--workspace"], with_remote, answer) == code
    assert files(with_remote / ".dvc/cache") == before - freed


@pytest.fixture
def terminal() -> Callable[..., int]:
    """Run amelio with a terminal as its input, at which `answer` is typed."""

    def run(words: list[str], cwd: Path, answer: str) -> int:
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "amelio", *words],
                cwd=cwd,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env=stage_environment(),
            )
            os.write(ours, f"{answer}\n".encode())
            return process.wait(60)
        finally:
            os.close(ours)
            os.close(theirs)

    return run


def settings(project: Path) -> tuple[str, str]:
    local = project / ".dvc/config.local"
    return (project / ".dvc/config").read_text(), local.read_text() if local.exists() else ""


def test_credentials_go_to_the_file_that_git_ignores(amelio: Run, project: Path) -> None:
    amelio("remote", "add", "-d", "production", "s3://prod-bucket/dvc", cwd=project)
    for option, value in (("access_key_id", "XXX"), ("secret_access_key", "YYY")):
        done = amelio("remote", "modify", "production", option, value, cwd=project)
        assert done.returncode == 0
        assert f"{option} is a credential: written to .dvc/config.local" in done.stderr
        assert value not in done.stderr + done.stdout
    amelio("remote", "modify", "production", "region", "eu-west-3", cwd=project)
    committed, local = settings(project)
    assert "XXX" not in committed
    assert "YYY" not in committed
    assert "region = eu-west-3" in committed
    assert "secret_access_key = YYY" in local
    explicit = ("remote", "modify", "--project", "production", "session_token", "ZZZ")
    assert amelio(*explicit, cwd=project).returncode == 0
    assert "ZZZ" not in settings(project)[0]
    assert "ZZZ" in settings(project)[1]
    assert (
        amelio("config", "remote.production.sse_customer_key", "TTT", cwd=project).returncode == 0
    )
    assert "TTT" not in settings(project)[0]
    assert "TTT" in settings(project)[1]
    amelio("remote", "modify", "--unset", "production", "session_token", cwd=project)
    assert "session_token" not in settings(project)[1]


def test_a_credential_leaves_earlier_commits_readable(amelio: Run, project: Path) -> None:
    """DVC refuses a local section without URL where a commit does not have the remote yet."""
    amelio("remote", "add", "-d", "production", "s3://prod-bucket/dvc", cwd=project)
    amelio("remote", "modify", "production", "secret_access_key", "YYY", cwd=project)
    told = amelio("metrics", "diff", "HEAD~1", "HEAD", "--json", cwd=project)
    assert json.loads(told.stdout)["score.yaml"]["rate"] == {"old": 1, "new": 2, "diff": 1}
    amelio("remote", "modify", "production", "url", "s3://other/dvc", cwd=project)
    assert "prod-bucket" not in "".join(settings(project))
    amelio("remote", "rename", "production", "work", cwd=project)
    assert "production" not in "".join(settings(project))
    assert "YYY" in settings(project)[1]
    amelio("remote", "remove", "work", cwd=project)
    assert "work" not in "".join(settings(project))
    assert amelio("status", cwd=project).returncode == 0


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("ssh://ada:hunter2@example.org:2022/dvc", "url = ssh://example.org:2022/dvc"),
        ("s3://ada:hunter2@example.org/dvc", ""),
    ],
)
def test_a_password_in_a_url_goes_there_too(
    amelio: Run, project: Path, url: str, safe: str
) -> None:
    done = amelio("remote", "add", "-d", "far", url, cwd=project)
    assert done.returncode == 0
    assert "hunter2" not in done.stderr + done.stdout
    committed, local = settings(project)
    assert "hunter2" not in committed
    assert "hunter2" in local
    assert safe in committed
    amelio("remote", "modify", "far", "url", url.replace("hunter2", "hunter3"), cwd=project)
    assert "hunter3" not in settings(project)[0]
    assert "hunter3" in settings(project)[1]


def test_a_credential_is_refused_where_git_would_take_it(amelio: Run, project: Path) -> None:
    amelio("remote", "add", "-d", "far", "s3://bucket", cwd=project)
    (project / ".dvc/.gitignore").write_text("/tmp\n")
    done = amelio("remote", "modify", "far", "secret_access_key", "YYY", cwd=project)
    assert done.returncode == 2
    assert "add the line /config.local to .dvc/.gitignore" in done.stderr
    assert settings(project)[1] == ""


def test_every_secret_option_of_dvc_is_known() -> None:
    from dvc.config_schema import REMOTE_SCHEMAS

    options = {str(option) for schema in REMOTE_SCHEMAS.values() for option in schema}
    assert options >= CREDENTIALS
    secret = {name for name in options if is_secret_name(name)}
    assert secret - HARMLESS <= CREDENTIALS


def test_cache_dir_makes_and_tries_the_folder(amelio: Run, project: Path, tmp_path: Path) -> None:
    there = tmp_path / "deep/dvc-cache"
    done = amelio("cache", "dir", str(there), cwd=project)
    assert done.returncode == 0
    assert f"{there} made, can be written and read" in done.stdout
    assert "amelio config cache.type" in done.stdout
    assert "symlink" in done.stdout
    assert f"cp -a {project}/.dvc/cache/. {there}/" in done.stderr
    assert amelio("cache", "dir", cwd=project).stdout.strip() == str(there)
    assert list(there.iterdir()) == []
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    refused = amelio("cache", "dir", str(in_the_way / "cache"), cwd=project)
    assert refused.returncode == 4
    assert "cannot be a cache: Not a directory" in refused.stderr
    assert amelio("cache", "dir", cwd=project).stdout.strip() == str(there)
