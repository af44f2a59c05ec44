"""DVC's words to which amelio adds something: DVC reads the command line, amelio adds, DVC runs."""

import importlib
from collections.abc import Callable
from pathlib import Path

from amelio.cli.commands import EXTENDED

HELP = ("-h", "--help")
OWN_HELP = (["params", "show"],)  # words that DVC has not


def run_extended(words: list[str]) -> int:
    """Run one of EXTENDED; returns the exit code. Help is DVC's, and then what amelio adds."""
    command = EXTENDED[words[0]]
    if words[:2] not in OWN_HELP and any(word in HELP for word in words):
        from amelio.dvcio.passthrough import run_dvc

        code = run_dvc(words, Path())
        print(f"\namelio {words[0]} is {command.summary}")
        return code
    module, _, name = command.target.partition(":")
    function: Callable[[list[str]], int] = getattr(importlib.import_module(module), name)
    return function(words)
