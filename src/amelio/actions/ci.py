"""`amelio ci`: look at the pipeline, write the workflow files."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from amelio.actions.requirements import amelio_requirement
from amelio.atomic import write_text
from amelio.ci.facts import Pipeline, Remote
from amelio.ci.github import DEPENDABOT, github_files
from amelio.dvcio.project import default_remote, dvc_root, git
from amelio.errors import InputError
from amelio.quality.rules import DEFAULT_METRICS, PARAMS, SETTINGS, load_quality

SCHEMES = {"s3": Remote.S3, "gs": Remote.GS, "azure": Remote.AZURE, "ssh": Remote.SSH}
_PYTHON = re.compile(r"3\.\d{1,2}(\.\d{1,2})?")


@dataclass(frozen=True)
class CiOptions:
    """What a user may say about it.

    remote: None: as the default remote's URL says
    python: empty: the version that runs this; install: empty: from requirements.txt
    """

    remote: Remote | None = None
    python: str = ""
    install: str = ""
    needs_gpu: bool = False
    with_cml: bool = False
    force: bool = False


@dataclass(frozen=True)
class CiResult:
    """files: new or changed ones; remote: whose credentials the workflow needs"""

    files: tuple[Path, ...]
    remote: Remote | None


def write_github(folder: Path, options: CiOptions) -> CiResult:
    """Write the workflow for GitHub, and Dependabot's settings where there are none.

    Raises InputError where a workflow would be overwritten, or something cannot stand in one.
    """
    root = dvc_root(folder)
    if root is None:
        raise InputError("this is no DVC repository", hint="`dvc init` makes one")
    top = Path(git(["rev-parse", "--show-toplevel"], root))
    pipeline = _pipeline(root, top, options)
    files = github_files(pipeline)
    changed = []
    for name, text in files.items():
        path = top / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if path.exists() and name == DEPENDABOT:
            continue
        if path.exists() and not options.force:
            raise InputError(f"{name} is there, and is not the same", hint="--force replaces it")
        changed.append((path, text))
    for path, text in changed:
        write_text(path, text)
    return CiResult(tuple(path for path, _ in changed), pipeline.remote)


def _pipeline(root: Path, top: Path, options: CiOptions) -> Pipeline:
    python = options.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    if not _PYTHON.fullmatch(python):
        raise InputError(f"--python is a version such as 3.12, not '{python}'")
    name, url = default_remote(root)
    remote = options.remote or SCHEMES.get(url.partition("://")[0])
    return Pipeline(
        install=_install(root, options.install, remote),
        python=python,
        remote=remote,
        remote_name=name,
        has_rules=_has_rules(root),
        needs_gpu=options.needs_gpu,
        with_cml=options.with_cml,
        folder=root.relative_to(top).as_posix(),
    )


def _install(root: Path, wanted: str, remote: Remote | None) -> tuple[str, ...]:
    if "${{" in wanted:
        raise InputError(
            "--install: GitHub would fill a ${{ … }} in before the shell reads the line",
            hint="put it into `env:` of the step, and use the variable",
        )
    if wanted:
        return tuple(wanted.strip().splitlines())
    lines = ["python -m pip install --upgrade pip"]
    if (root / "requirements.txt").is_file():
        lines.append("python -m pip install --requirement requirements.txt")
    else:
        needed = amelio_requirement()
        if "file://" in needed:
            raise InputError(
                "there is no requirements.txt, and this amelio was installed from a folder",
                hint="say how to install it: --install 'pip install …'",
            )
        lines.append(f"python -m pip install '{needed}'")
    if remote:
        lines.append(f"python -m pip install 'dvc[{remote}]'")
    return tuple(lines)


def _has_rules(root: Path) -> bool:
    rules = load_quality([root / PARAMS, root / SETTINGS]).rules
    return bool(rules) or (root / DEFAULT_METRICS).exists()
