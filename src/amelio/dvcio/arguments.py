"""A command line of DVC's as DVC itself reads it."""

from argparse import Namespace

PARSER_ERROR = 254  # DVC's exit code for a command line that it cannot read


def read_arguments(words: list[str]) -> Namespace | None:
    """The arguments of `dvc WORDS`; None where DVC refuses them, which it has then said."""
    from dvc.cli import DvcParserError, parse_args

    try:
        arguments: Namespace = parse_args(words)
    except DvcParserError:
        return None
    return arguments
