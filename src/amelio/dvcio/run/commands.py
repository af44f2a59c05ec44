"""A stage's commands, the way DVC starts them: its shell, its environment."""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH112, PTH118

import logging
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from amelio.dvcio.passthrough import stage_environment
from amelio.dvcio.run.pathlocks import overlap
from amelio.dvcio.run.stages import local_paths
from amelio.dvcio.translate import fetching
from amelio.errors import StageFailedError
from amelio.model import Policy

if TYPE_CHECKING:
    from dvc.stage import Stage

logger = logging.getLogger(__name__)

PYCACHE = "PYTHONPYCACHEPREFIX"

Prepared = tuple[tuple[tuple[str, ...], ...], tuple[str, ...], dict[str, str], tuple[str, ...]]


class Shell:
    """Makes what is to be started from stages; the environment is looked at once.

    run_env: added to every command's environment
    """

    def __init__(self, run_env: Mapping[str, str]) -> None:
        self._run_env = dict(run_env)
        self._env: dict[str, str] = {}
        self._unset: tuple[str, ...] | None = None
        self._modules = _Modules()

    def prepare(self, stage: "Stage") -> Prepared:
        """Argument vectors, the commands as written, variables to add and variables to take
        away.
        """
        from dvc.env import DVC_STAGE
        from dvc.stage.run import _enforce_cmd_list, _make_cmd, get_executable

        if self._unset is None:
            self._env, self._unset = self._environment(stage)
            self._modules.look_everywhere(stage.repo.index.stages)
        lines = tuple(_enforce_cmd_list(stage.cmd))
        executable = get_executable() or "/bin/sh"
        argv = tuple(tuple(_make_cmd(executable, line)) for line in lines)
        env = {**self._env, DVC_STAGE: stage.addressing}
        if self._modules.look([stage]):
            # else Python would change the folder by importing from it
            folder = os.path.join(stage.repo.tmp_dir, "amelio", "pycache")
            env[PYCACHE] = os.environ.get(PYCACHE, folder)
        return argv, lines, env, self._unset

    def _environment(self, stage: "Stage") -> tuple[dict[str, str], tuple[str, ...]]:
        """DVC's for any stage, as a difference to this process's."""
        from dvc.stage.run import prepare_kwargs

        ours = dict(os.environ)
        wanted: dict[str, str] = prepare_kwargs(stage, run_env=self._run_env)["env"]
        wanted["PATH"] = stage_environment()["PATH"]
        added = {name: value for name, value in wanted.items() if ours.get(name) != value}
        return added, tuple(name for name in ours if name not in wanted)


class _Modules:
    """Whether there are Python files in folders that are dependencies or outputs."""

    def __init__(self) -> None:
        self._are_there = False
        self._walked: set[str] = set()  # which no stage fills
        self._made: list[str] = []

    def look_everywhere(self, stages: Collection["Stage"]) -> None:
        """Look into the folders of all stages of the repository."""
        self._made = [out.fs_path for stage in stages if stage.cmd for out in stage.outs]
        self.look(stages)

    def look(self, stages: Iterable["Stage"]) -> bool:
        """Look into the folders of `stages` too."""
        for folder in sorted({path for stage in stages for path in local_paths(stage)}):
            if self._are_there:
                break
            if self._walked.isdisjoint((folder, *map(str, PurePath(folder).parents))):
                files = (name for _, _, names in os.walk(folder) for name in names)
                self._are_there = any(name.endswith(".py") for name in files)
                if os.path.isdir(folder) and not any(overlap(folder, out) for out in self._made):
                    self._walked.add(folder)
        return self._are_there


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


def pull_outputs(stage: "Stage") -> bool:
    """Fetch what the lock entry has; False where it cannot be brought back."""
    from dvc.exceptions import CheckoutError

    try:
        with fetching(f"the outputs of {stage.addressing}"):
            stage.repo.pull(stage.addressing)
        stage.checkout()
    except CheckoutError:
        return False
    return True


def run_internal(stage: "Stage", policy: Policy) -> None:
    """Let DVC do what takes no command: an import, a data source, a frozen stage."""
    if stage.frozen and not stage.is_import:
        logger.warning("%s is frozen. Its dependencies are not going to be reproduced.", stage)
    stage.run(
        force=policy.force,
        no_commit=policy.no_commit,
        allow_missing=policy.allow_missing,
        pull=policy.pull,
        run_cache=policy.run_cache,
    )


def require_data(stage: "Stage") -> None:
    """Raises what `Stage.run` raises for a data source or a frozen stage without its outputs."""
    from dvc.stage.utils import check_missing_outputs

    is_made = bool(stage.cmd or stage.is_import) and not stage.frozen
    if not is_made and not stage.is_partial_import:
        check_missing_outputs(stage)


def pull_missing_deps(stage: "Stage") -> None:
    """`dvc pull` those dependencies that are not there."""
    from dvc.stage.run import _pull_missing_deps

    _pull_missing_deps(stage)
