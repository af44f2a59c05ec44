"""How a stage program ends: one clear message instead of a traceback for a user's mistake."""

import sys
from collections.abc import Callable

from amelio.errors import AmelioError, StageFailedError


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; an AmelioError is told on stderr and ends the program with 1: the stage failed.

    Whatever the reason. The other exit codes are those of amelio's own commands; a stage's is seen
    by DVC and amelio alike, and to both it says only whether there is a result.
    """
    try:
        main()
    except AmelioError as error:
        print(f"amelio: {error}", file=sys.stderr)
        sys.exit(StageFailedError.exit_code)
