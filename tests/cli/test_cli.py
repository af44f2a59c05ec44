"""The command line's own behaviour: help, versions, words that are DVC's, errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amelio.cli.commands import COMMANDS
from tests.conftest import Run


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["-h"], ["new", "--help"], ["exp", "--help"]]
)
def test_help_and_version_end_well(amelio: Run, tmp_path: Path, words: list[str]) -> None:
    done = amelio(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""


def test_help_names_every_command(amelio: Run, tmp_path: Path) -> None:
    text = amelio("--help", cwd=tmp_path).stdout
    for name, command in COMMANDS.items():
        assert name in text
        assert command.summary[:40] in text


def test_help_imports_neither_dvc_nor_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "amelio", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"dvc", "torch", "pandas", "numpy", "ruamel.yaml"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 0),
        (["root"], 0),  # nearly one of ours
        (["plots", "nothing"], 254),
        (["freeze", "nothing"], 1),
        (["no-such-word"], 254),
        (["exp", "clean"], 0),
        (["experiments", "apply", "nothing"], 255),
    ],
)
def test_other_words_go_to_dvc_with_its_exit_code(
    amelio: Run, repository: Path, words: list[str], code: int
) -> None:
    ours = amelio(*words, cwd=repository)
    theirs = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=repository, capture_output=True, text=True
    )
    assert ours.returncode == theirs.returncode == code
    assert (ours.stdout, ours.stderr) == (theirs.stdout, theirs.stderr)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("chek", "check"), ("reprr", "repro"), ("plot", "plots"), ("remov", "remove")],
)
def test_a_misspelt_word_of_ours_is_told(
    amelio: Run, tmp_path: Path, word: str, meant: str
) -> None:
    done = amelio(word, "train", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"amelio: there is no command {word!r}\n  did you mean {meant!r}?\n"


def test_cd_runs_our_words_elsewhere(amelio: Run, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    done = amelio("--cd", "there", "new", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "dvc.yaml").is_file()


def test_stages_run_with_amelios_python_unless_an_environment_is_active(
    amelio: Run, repository: Path
) -> None:
    (repository / "dvc.yaml").write_text(
        "stages:\n  which:\n    cmd: command -v python > which.txt\n    outs: [which.txt]\n"
    )
    assert amelio("repro", cwd=repository).returncode == 0
    assert (repository / "which.txt").read_text().strip() == str(
        Path(sys.executable).parent / "python"
    )
    (repository / "bin").mkdir()
    (repository / "bin/python").symlink_to(sys.executable)
    active = {"VIRTUAL_ENV": "/somewhere", "PATH": f"{repository}/bin:{os.environ['PATH']}"}
    amelio("repro", "-f", cwd=repository, **active)
    assert (repository / "which.txt").read_text().strip() == f"{repository}/bin/python"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_our_words(amelio: Run, tmp_path: Path, shell: str) -> None:
    variables = {
        "_AMELIO_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "amelio ",
        "COMP_CWORD": "1",
    }
    variables |= {"_TYPER_COMPLETE_ARGS": "amelio ", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert "demo" in amelio(cwd=tmp_path, **variables).stdout


@pytest.mark.parametrize(
    "words", [["new", "--no-such-option"], ["demo", "--data", "cats"], ["new", "--images", "x"]]
)
def test_wrong_usage_exits_with_2(amelio: Run, tmp_path: Path, words: list[str]) -> None:
    done = amelio(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_repository_does_not_stand_in_for_what_dvc_imports(repository: Path) -> None:
    for name in ("yaml", "random", "dvc"):
        (repository / f"{name}.py").write_text("open('executed', 'w')\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "amelio", "status"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (repository / "executed").exists()
