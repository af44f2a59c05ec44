"""The top handler: errors become one message and an exit code, bugs a log to paste."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from amelio.errors import AmelioError

BUG = 3
INTERRUPTED = 130


def guarded(words: list[str], dispatch: Callable[[list[str]], int]) -> int:
    """Run `dispatch(words)`; whatever it raises is told on stderr and becomes the exit code."""
    try:
        return dispatch(words)
    except AmelioError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        log = _write_log(words)
        _say(f"a bug of ours: {type(error).__name__}: {error}\n  please report it with {log}")
        return BUG


def _say(text: str) -> None:
    print(f"amelio: {text}", file=sys.stderr)


def _write_log(words: list[str]) -> Path:
    import tempfile
    import traceback
    from datetime import datetime

    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"amelio-{stamp}-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"amelio {' '.join(words)}\npython {sys.version}\n\n{traceback.format_exc()}")
    return Path(file.name)
