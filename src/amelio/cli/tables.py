"""Where a table goes: to a terminal, or into a file or pipe."""

import sys

from rich.console import Console

UNFOLDED = 1000  # columns


def table_console() -> Console:
    """As wide as the terminal; in a file or pipe a name stays on its line, and can be searched."""
    return Console(width=None if sys.stdout.isatty() else UNFOLDED)
