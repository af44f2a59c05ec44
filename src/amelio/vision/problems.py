"""All problems of one file, told at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from amelio.errors import InputError

SHOWN = 20


def shortened(lines: list[str], what: str) -> list[str]:
    """The first 20 of `lines`, and how many more there are."""
    hidden = len(lines) - SHOWN
    return lines if hidden <= 0 else [*lines[:SHOWN], f"… and {hidden} more {what}"]


@dataclass
class Problems:
    """Collects what is wrong with `path`, to raise it as one InputError."""

    path: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def at(self, line: int) -> Callable[[str], None]:
        """A function that notes a problem in `line`."""
        return lambda message: self.found.append((line, message))

    def raise_if_any(self) -> None:
        """Raise InputError, sorted by line, when anything was noted."""
        if not self.found:
            return
        found = sorted(self.found)
        if len(found) == 1:
            raise InputError(found[0][1], path=self.path, line=found[0][0] or None)
        lines = [f"line {line}: {message}" if line else message for line, message in found]
        head = f"{len(lines)} problems"
        raise InputError("\n  ".join([head, *shortened(lines, "problems")]), path=self.path)
