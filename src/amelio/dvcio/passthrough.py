"""DVC's own command line, as its user would run it."""

import os
import subprocess
import sys
from pathlib import Path

from amelio.errors import EnvironmentFailedError


def become_dvc(words: list[str]) -> int:
    """Hand this process over to `dvc WORDS`: its signals, output and exit code are DVC's.

    Returns (the exit code) only where a process cannot be replaced: on Windows.
    """
    if os.name == "posix":
        os.execve(sys.executable, _command(words), stage_environment())
    return run_dvc(words, Path())


def dvc_commands() -> set[str]:
    """The first words that DVC knows."""
    from dvc.cli.parser import get_main_parser

    actions = get_main_parser()._actions
    return {word for action in actions if action.dest == "cmd" for word in action.choices or ()}


def act_as_dvc(words: list[str]) -> int:
    """Run `dvc WORDS` in this process, for commands that have imported DVC anyway.

    Returns its exit code; what goes wrong is said by DVC.
    """
    from dvc.cli import main

    os.environ.update(stage_environment())
    return int(main(words))


def run_dvc(words: list[str], folder: Path) -> int:
    """Run `dvc WORDS` in `folder` on this terminal; returns its exit code.

    Ctrl-C reaches DVC as well; it is waited for, so that it can put things in order.
    """
    process = subprocess.Popen(_command(words), cwd=folder, env=stage_environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def call_dvc(words: list[str], folder: Path) -> None:
    """Run `dvc WORDS` in `folder`; its progress is shown, its advice is not.

    Raises EnvironmentFailedError with what DVC said when it fails.
    """
    done = subprocess.run(
        _command(words), cwd=folder, env=stage_environment(), capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise EnvironmentFailedError(f"`dvc {' '.join(words)}` failed in {folder}:\n{said}")


def stage_environment() -> dict[str, str]:
    """The environment for stages: without an active environment, `python` is amelio's own.

    So `.venv/bin/amelio repro` works as it would after `source .venv/bin/activate`; an active
    virtual or Conda environment stays in charge.
    """
    environment = dict(os.environ)
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX")
    if not active and sys.prefix != sys.base_prefix:
        folders = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
        environment["PATH"] = os.pathsep.join(folders)
    return environment


def _command(words: list[str]) -> list[str]:
    # -P, as DVC's own script: nothing is imported from the working directory, a foreign repository
    return [sys.executable, "-P", "-m", "dvc", *words]
