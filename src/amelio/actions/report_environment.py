"""Where and with what results were made, and what makes them come out the same again."""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from amelio.dvcio.history import position
from amelio.insight.wording import size
from amelio.reports.changes import flat, value_text

PACKAGES = ("amelio", "dvc", "torch", "numpy", "scikit-learn", "pandas", "tensorflow", "xgboost")
SEED_NAMES = frozenset({"seed", "random_state", "random_seed"})
MAX_SEEDS = 8


def environment(root: Path, params: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Titled groups of names with values."""
    return {
        "Versions": {"Python": platform.python_version(), **_versions()},
        "Machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": str(psutil.cpu_count() or "unknown"),
            "memory": size(psutil.virtual_memory().total),
        },
        "Reproducibility": _reproducibility(root, params),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _reproducibility(root: Path, params: Mapping[str, Any]) -> dict[str, str]:
    here = position(root)
    state = "no commit yet"
    if here:
        state = f"{len(here.changed)} files not committed" if here.changed else "all committed"
    found = {"tracked files": state}
    if (root / "dvc.lock").exists():
        changed = bool(here and "dvc.lock" in here.changed)
        found["dvc.lock"] = "changed since the last commit" if changed else "as committed"
    seeds = _seeds(params)
    if seeds:
        found["seeds"] = ", ".join(seeds)
    pinned = _pinned(root / "requirements.txt")
    if pinned:
        found["requirements.txt"] = pinned
    return found


def _seeds(params: Mapping[str, Any]) -> list[str]:
    values = [each for content in params.values() for each in flat(content)]
    seeds = [
        f"{name} = {value_text(value)}"
        for name, value in values
        if name.rpartition(".")[2].lower() in SEED_NAMES
    ]
    return list(dict.fromkeys(seeds))[:MAX_SEEDS]


def _pinned(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    wanted = [line for line in lines if re.match(r"\s*[A-Za-z0-9]", line)]
    n_pinned = sum("==" in line or " @ " in line for line in wanted)
    return f"{n_pinned} of {len(wanted)} packages pinned" if wanted else ""
