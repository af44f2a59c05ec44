"""`amelio exp push`: DVC's, and a word where it sends no data."""

import sys

from amelio.cli.extended import HELP
from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.experiments.pushing import without_remote
from amelio.dvcio.passthrough import act_as_dvc, become_dvc
from amelio.redaction import printable

ADVICE = (
    "`amelio remote add --local --default NAME URL` gives this clone one for all commits;"
    " then push again"
)


def push(words: list[str]) -> int:
    """DVC's; says which experiments' data stay here, as their own commits have no remote for them.

    words: from `exp` on
    """
    if any(word in HELP for word in words):
        return become_dvc(words)
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    code = act_as_dvc(words)
    if code == 0 and arguments.push_cache and not arguments.dvc_remote:
        names = without_remote(arguments)
        if names:
            problem = "the experiment's own commit has no DVC remote"
            print(
                printable(f"amelio: no data was sent of {', '.join(names)}: {problem}\n  {ADVICE}"),
                file=sys.stderr,
            )
    return code
