"""argv → one action → text and exit code; one module per command group.

Nothing heavy is imported until it is known which command runs: `--help` needs no dvc, no torch.
"""

import os
from collections.abc import Sequence

from amelio.cli.commands import COMMANDS, EXTENDED
from amelio.cli.repro_words import ReproWords, plain_words
from amelio.cli.top import guarded

OWN_WORDS = frozenset([*COMMANDS, *EXTENDED])
OWN_OPTIONS = ("-h", "--help", "-V", "--version", "--install-completion", "--show-completion")


def run(argv: Sequence[str]) -> int:
    """Do what `argv` (without the program's name) says; returns the exit code.

    A word that amelio does not have goes to DVC as it stands, and DVC's exit code comes back.
    """
    return guarded(list(argv), _dispatch)


def _dispatch(words: list[str]) -> int:
    if len(words) >= 2 and words[0] == "--cd" and words[2:3] and words[2] in OWN_WORDS:
        os.chdir(words[1])
        words = words[2:]
    if words[:1] == ["repro"] and not _completing():
        said = plain_words(words[1:])
        if said is not None:
            return _repro(said)
    if words and words[0] in EXTENDED and not _completing():
        from amelio.cli.extended import run_extended

        return run_extended(words)
    if words[:1] in (["exp"], ["experiments"]):
        from amelio.cli.exp import ours

        words, is_ours = ours(words[1:])
        if words[1:2] == ["push"] and not _completing():
            from amelio.cli.exp_push import push

            return push(words)
    else:
        is_ours = not words or words[0] in COMMANDS or words[0].startswith(OWN_OPTIONS)
    if is_ours or _completing():
        from amelio.cli.app import run_app

        return run_app(words)
    return _to_dvc(words)


def _to_dvc(words: list[str]) -> int:
    """Raises InputError for a word that is nearly one of ours: DVC would list only its own."""
    import difflib

    from amelio.dvcio.passthrough import act_as_dvc, become_dvc, dvc_commands

    ours = [*OWN_WORDS, "repro", "exp"]
    if not difflib.get_close_matches(words[0], ours, cutoff=0.7):
        return become_dvc(words)
    theirs = dvc_commands()
    if words[0] in theirs:
        return act_as_dvc(words)
    from amelio.errors import InputError

    meant = difflib.get_close_matches(words[0], [*ours, *theirs], n=1, cutoff=0.7)[0]
    raise InputError(f"there is no command {words[0]!r}", hint=f"did you mean '{meant}'?")


def _repro(said: ReproWords) -> int:
    from amelio.cli.instant import instant

    code = instant(said)
    if code is not None:
        return code
    from amelio.cli.repro_run import run_repro

    return run_repro(said)


def _completing() -> bool:
    return "_AMELIO_COMPLETE" in os.environ
