"""The versions of DVC that amelio is made for."""

from importlib.metadata import version

from amelio.errors import EnvironmentFailedError

LEAST = (3, 67)
BELOW = (4, 0)


def require_known_dvc() -> None:
    """Raises EnvironmentFailedError for a DVC whose insides may differ from the known ones."""
    found = version("dvc")
    parts = found.split(".")[:2]
    known = all(part.isdecimal() for part in parts)
    if not known or not LEAST <= (int(parts[0]), int(parts[1])) < BELOW:
        raise EnvironmentFailedError(
            f"DVC {found} is not a version that amelio is made for (3.67 to 3.x)",
            hint="pip install 'dvc>=3.67,<4'",
        )
