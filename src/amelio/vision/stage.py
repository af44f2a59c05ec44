"""How a stage program ends: one clear message instead of a traceback for a user's mistake."""

import atexit
import gc
import sys
from collections.abc import Callable
from typing import NoReturn

from amelio import disk
from amelio.errors import AmelioError, StageFailedError
from amelio.vision import COLLECTOR


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; an AmelioError or trouble with the disk is told on stderr and ends it with 1.

    Whatever the reason. The other exit codes are those of amelio's own commands; a stage's is seen
    by DVC and amelio alike, and to both it says only whether there is a result.
    """
    gc.set_threshold(*COLLECTOR)
    atexit.register(gc.freeze)  # else Python looks at all of torch once more: 0.3 to 0.5 s a stage
    try:
        main()
    except AmelioError as error:
        _fail(str(error))
    except OSError as error:
        if not disk.is_to_blame(error):
            raise
        _fail(disk.told(error))


def _fail(text: str) -> NoReturn:
    print(f"amelio: {text}", file=sys.stderr)
    sys.exit(StageFailedError.exit_code)
