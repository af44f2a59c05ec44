"""How a stage program ends: one clear message instead of a traceback for a user's mistake."""

import sys
from collections.abc import Callable

from amelio.errors import AmelioError


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; an AmelioError is told on stderr and becomes the program's exit code."""
    try:
        main()
    except AmelioError as error:
        print(f"amelio: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
