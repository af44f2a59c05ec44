"""The top handler: errors become one message and an exit code, bugs a log to paste."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from amelio.errors import AmelioError, EnvironmentFailedError

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
        if (told := _of_the_disk(error)) is not None:
            _say(told)
            return EnvironmentFailedError.exit_code
        log = _write_log(words)
        _say(f"a bug of ours: {type(error).__name__}: {error}\n  please report it with {log}")
        return BUG


def _of_the_disk(error: Exception) -> str | None:
    """In words, when the disk is full or broken: that is nobody's bug."""
    from amelio import disk

    if disk.is_to_blame(error):
        return disk.told(error)
    if type(error).__module__ == "sqlite3" and "disk" in str(error):  # imported by who raised it
        return f"a database of hashes or experiments: {error} ({disk.left('')})"
    return None


def _say(text: str) -> None:
    from amelio.redaction import printable  # 3 ms, which "nothing to do" need not wait for

    print(f"amelio: {printable(text)}", file=sys.stderr)


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
