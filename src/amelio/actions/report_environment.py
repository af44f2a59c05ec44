"""Where and with what a report was made."""

import platform
from importlib.metadata import PackageNotFoundError, version

import psutil

from amelio.insight.wording import size

PACKAGES = ("amelio", "dvc", "torch", "numpy", "scikit-learn", "pandas", "tensorflow", "xgboost")


def environment() -> dict[str, dict[str, str]]:
    """Titled groups of names with values."""
    return {
        "Versions": {"Python": platform.python_version(), **_versions()},
        "Machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": str(psutil.cpu_count() or "unknown"),
            "memory": size(psutil.virtual_memory().total),
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
