"""`amelio config`."""

from argparse import Namespace
from pathlib import Path

from amelio.cli.remote import COMMITTED, set_options
from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.passthrough import become_dvc
from amelio.dvcio.project import dvc_root
from amelio.dvcio.remotes.settings import is_credential
from amelio.errors import InputError

JOBS = "core.jobs"


def config(words: list[str]) -> int:
    """DVC's; `core.jobs` is amelio's own, and stands in `amelio.yaml`; credentials of remotes go to
    the file that Git ignores.
    """
    if JOBS not in words and not any(word.startswith("remote.") for word in words):
        return become_dvc(words)
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    if arguments.name and arguments.name[0] == "remote" and arguments.value is not None:
        return _set_of_remote(arguments, words)
    if arguments.name is None or ".".join(arguments.name[1:]) != JOBS:
        return become_dvc(words)
    root = dvc_root(Path())
    if root is None:
        raise InputError("you are not inside of a DVC repository", hint="make one with `dvc init`")
    if arguments.level not in (None, "repo"):
        raise InputError(
            f"{JOBS} stands in the project's amelio.yaml",
            hint=f"`amelio config {JOBS}`, `amelio config {JOBS} 4`, `amelio config -u {JOBS}`",
        )
    _act(root, arguments.value, arguments.unset)
    return 0


def _set_of_remote(arguments: Namespace, words: list[str]) -> int:
    _, remote, option = arguments.name
    if arguments.level in COMMITTED and is_credential(option, arguments.value):
        return set_options(remote, option, arguments.value)
    return become_dvc(words)


def _act(root: Path, value: str | None, unset: bool) -> None:
    from amelio.actions.config import get_jobs, set_jobs, unset_jobs

    if unset:
        unset_jobs(root)
    elif value is not None:
        set_jobs(root, value)
    else:
        jobs = get_jobs(root)
        if jobs is None:
            raise InputError(f"{JOBS} is not set", hint=f"`amelio config {JOBS} 4` sets it")
        print(jobs)
