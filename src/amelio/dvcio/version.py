"""The versions of DVC that amelio is made for."""

import logging
from functools import cache
from importlib.metadata import version

from amelio.errors import EnvironmentFailedError

TESTED = (3, 67)
BELOW = (4,)
_ADVICE = "dvc~=3.67.0"

logger = logging.getLogger(__name__)


def require_known_dvc() -> None:
    """Warn, once, of a DVC that is newer than the tested one.

    Raises EnvironmentFailedError for one whose insides surely differ.
    """
    found = version("dvc")
    release = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if not TESTED <= release < BELOW:
        raise EnvironmentFailedError(
            f"DVC {found} is not a version that amelio is made for (3.67 to 3.x)",
            hint=f"pip install '{_ADVICE}'",
        )
    if release > TESTED:
        _warn_of(found)


@cache
def _warn_of(newer: str) -> None:
    logger.warning(
        "DVC %s is newer than those that this amelio was tested with; if something fails: "
        "pip install '%s'",
        newer,
        _ADVICE,
    )
