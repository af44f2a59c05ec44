"""`amelio checkout`."""

import sys

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.cache.integrity import set_aside_for_checkout
from amelio.dvcio.passthrough import act_as_dvc


def checkout(words: list[str]) -> int:
    """DVC's; damaged objects of the cache are found first, and never handed out."""
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    damaged = set_aside_for_checkout(
        arguments.targets, with_deps=arguments.with_deps, recursive=arguments.recursive
    )
    code = act_as_dvc(words)
    for out, place in damaged:
        print(f"what the cache had for {out} is damaged: it is now {place}", file=sys.stderr)
    if damaged:
        print("  fetch it again: amelio pull; or make it again: amelio repro", file=sys.stderr)
    return code
