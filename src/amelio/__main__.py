"""`amelio` and `python -m amelio`."""

import atexit
import gc
import sys

from amelio.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(200_000, 50, 50)  # imports make much and drop little: 10 % of a short command
    code = run(sys.argv[1:])
    if colorama := sys.modules.get("colorama.initialise"):  # DVC's
        atexit.unregister(colorama.reset_all)  # it ends each output with a line of its own
    gc.freeze()  # else Python looks at every object once more before it ends: 0.15 s
    sys.exit(code)


if __name__ == "__main__":
    main()
