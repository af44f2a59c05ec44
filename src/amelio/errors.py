"""The one error tree: what a user reads, and the exit code on the class."""

from pathlib import Path
from typing import ClassVar


class AmelioError(Exception):
    """Base of every error that is shown to the user as one message, without a traceback.

    message: what is wrong and what was expected, one line or more
    path, line: where, printed as `path:line:` in front
    hint: the next step, or a "did you mean", on a line of its own
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:"
        if self.path is not None and self.line is not None:
            place += f"{self.line}:"
        text = f"{place} {self.message}" if place else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class StageFailedError(AmelioError):
    """A stage or a gate failed: exit code 1."""


class InputError(AmelioError):
    """The user's input, data or configuration is wrong: exit code 2."""

    exit_code = 2


class EnvironmentFailedError(AmelioError):
    """DVC, Git, the disk, the network or a lock did not do its part: exit code 4."""

    exit_code = 4


def all_of(problems: list[str]) -> str:
    """Several problems of one file as one message, one a line."""
    return (
        problems[0] if len(problems) == 1 else "\n  ".join([f"{len(problems)} problems", *problems])
    )
