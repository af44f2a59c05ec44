"""`amelio` and `python -m amelio`."""

import gc
import sys

from amelio.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(100_000, 50, 50)  # imports make much and drop little: 5 % of a short command
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
