"""A stage's commands, the way DVC starts them: its shell, its environment."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH118

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from amelio.dvcio.passthrough import stage_environment
from amelio.errors import StageFailedError

if TYPE_CHECKING:
    from dvc.stage import Stage

Prepared = tuple[tuple[tuple[str, ...], ...], tuple[str, ...], dict[str, str], tuple[str, ...]]


def prepare(stage: "Stage", run_env: Mapping[str, str]) -> Prepared:
    """Argument vectors, the commands as written, variables to add and variables to take away."""
    from dvc.stage.run import _enforce_cmd_list, _make_cmd, get_executable, prepare_kwargs

    lines = tuple(_enforce_cmd_list(stage.cmd))
    executable = get_executable() or "/bin/sh"
    wanted: dict[str, str] = prepare_kwargs(stage, run_env=dict(run_env))["env"]
    wanted["PATH"] = stage_environment()["PATH"]
    wanted.setdefault("PYTHONPYCACHEPREFIX", pycache_folder(stage.repo.tmp_dir))
    env = {name: value for name, value in wanted.items() if os.environ.get(name) != value}
    unset = tuple(name for name in os.environ if name not in wanted)
    argv = tuple(tuple(_make_cmd(executable, line)) for line in lines)
    return argv, lines, env, unset


def pycache_folder(tmp_dir: str) -> str:
    """Where Python keeps compiled modules of stages, as in a dependency folder they would be a
    change during the run.
    """
    return os.path.join(tmp_dir, "amelio", "pycache")


def require_deps(stage: "Stage") -> None:
    """Raises StageFailedError, naming every local dependency that is not there."""
    from dvc.dependency import ParamsDependency

    missing = [
        str(dep)
        for dep in stage.deps
        if dep.protocol == "local" and not isinstance(dep, ParamsDependency) and not dep.exists
    ]
    if missing:
        verb = "does" if len(missing) == 1 else "do"
        raise StageFailedError(
            f"{', '.join(missing)} {verb} not exist, and {stage.addressing} depends on it",
            hint="make it, or fetch it with `dvc pull`; or take it out of `deps:`",
        )


def pull_missing_deps(stage: "Stage") -> None:
    """`dvc pull` those dependencies that are not there."""
    from dvc.stage.run import _pull_missing_deps

    _pull_missing_deps(stage)
