"""What a new project's `requirements.txt` says: the versions that its stages were made with."""

import json
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from amelio.dvcio.project import git

PINNED = ("dvc", "dvclive", "numpy", "optuna", "pandera", "pillow", "torch")


def requirements() -> str:
    """amelio as it is installed here, and the packages that decide a stage's results, pinned."""
    pins = [f"{name}=={_public(name)}" for name in PINNED if _public(name)]
    return "\n".join([amelio_requirement(), *pins]) + "\n"


def amelio_requirement() -> str:
    """`amelio[vision]` by version, or by URL (with its revision where there is one)."""
    origin = json.loads(distribution("amelio").read_text("direct_url.json") or "{}")
    url = origin.get("url", "")
    if "vcs_info" in origin:
        revision = origin["vcs_info"]["commit_id"]
        return f"amelio[vision] @ {origin['vcs_info']['vcs']}+{url}@{revision}"
    if url:
        return f"amelio[vision] @ {_with_revision(url)}"
    return f"amelio[vision]=={version('amelio')}"


def _with_revision(url: str) -> str:
    """A local folder's URL; of a Git checkout, the one that names the commit."""
    folder = Path(url2pathname(urlparse(url).path))
    if not (folder / ".git").exists():
        return url
    return f"git+{url}@{git(['rev-parse', 'HEAD'], folder)}"


def _public(name: str) -> str:
    """The installed version without its local part (`2.13.0+cpu` → `2.13.0`); empty if absent."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return ""
