"""Decides, orders, runs, guards and remembers stages; knows DVC only through `model.Workspace`."""

import os

from amelio.errors import EnvironmentFailedError

if os.name != "posix":
    raise EnvironmentFailedError(
        "the engine needs Linux or macOS: it guards stages with process groups and `flock`",
        hint="`dvc repro` works here",
    )
