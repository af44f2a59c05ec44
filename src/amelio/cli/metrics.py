"""`amelio metrics`."""

from pathlib import Path

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.named_revisions import require_revisions
from amelio.dvcio.passthrough import act_as_dvc


def metrics(words: list[str]) -> int:
    """DVC's; `--show-md` is `--md`, and an unknown revision is told with those that there are."""
    return shown(words)


def shown(words: list[str]) -> int:
    """Run `metrics` or `params` with the guide's spelling of `--md`."""
    words = ["--md" if word == "--show-md" else word for word in words]
    if "diff" in words[:2]:
        arguments = read_arguments(words)
        if arguments is None:
            return PARSER_ERROR
        require_revisions([arguments.a_rev, arguments.b_rev], Path())
    return act_as_dvc(words)
