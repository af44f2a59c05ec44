"""A DVC repository in which experiments are set up, and what DVC tells their stages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.experiments import overrides, worktree_data
from amelio.dvcio.experiments import refs as experiment_refs
from amelio.dvcio.experiments.overrides import Overrides
from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import translated
from amelio.dvcio.version import require_known_dvc
from amelio.dvcio.workspace import DvcWorkspace

if TYPE_CHECKING:
    from dvc.repo import Repo


class ExperimentProject:
    """One open repository; parameters files are relative to the working directory."""

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo

    @property
    def root(self) -> Path:
        """The repository's root."""
        return Path(self._repo.root_dir)

    @property
    def cache_folder(self) -> Path:
        """Where outputs are stored."""
        return Path(self._repo.cache.local_cache_dir)

    def check_values(self, values: Overrides) -> None:
        """Raises InputError when `set_values` would."""
        overrides.check(self._repo, values)

    def set_values(self, values: Overrides, *, no_hydra: bool) -> None:
        """Write them into the parameters files. Raises InputError."""
        overrides.apply(self._repo, values, no_hydra=no_hydra)

    def check_name(self, name: str, baseline: str) -> None:
        """Raises InputError for a name that DVC would refuse."""
        experiment_refs.check_name(self._repo, name, baseline)

    def local_config(self) -> bytes:
        """What a worktree needs as `.dvc/config.local`."""
        return worktree_data.local_config(self._repo)

    def inputs(self) -> list[Path]:
        """The local files and folders in the repository that stages read."""
        return [
            Path(dep.fs_path)
            for dep in self._repo.index.deps
            if dep.protocol == "local" and dep.is_in_repo
        ]

    def store_changed_data(self) -> dict[Path, str]:
        """Store data that was changed since `dvc add`; what its `.dvc` files should say."""
        return worktree_data.store_changed_data(self._repo)

    def untracked_inputs(self, tracked: Sequence[str], top: Path) -> list[str]:
        """What stages read and neither Git (`tracked`, relative to `top`) nor DVC has."""
        return worktree_data.untracked_inputs(self._repo, tracked, top)

    def workspace(self, name: str, baseline: str, main_root: Path) -> DvcWorkspace:
        """The repository for the engine, with what DVC tells an experiment's stages."""
        environment = _environment(self._repo, name, baseline, main_root)
        return DvcWorkspace(self._repo, environment, is_quiet=True)

    def result_files(self, workspace: DvcWorkspace, ran: Sequence[str]) -> list[str]:
        """What an experiment's commit has beside changes of tracked files, after these stages ran;
        full paths.
        """
        stages = [workspace.dvc_stage(stage) for stage in ran]
        return experiment_refs.result_files(self._repo, stages)


@contextmanager
def opened(root: Path) -> Iterator[ExperimentProject]:
    """The DVC repository at `root`, with DVC's errors as ours."""
    require_known_dvc()

    with translated(), open_repo(str(root)) as repo:
        yield ExperimentProject(repo)


def preload() -> None:
    """Import what a worker will need, so that its forks have it."""
    require_known_dvc()
    for name in ("dvc.repo.experiments.executor.base", "dvc.repo.reproduce"):
        import_module(name)
    from dvc.utils.hydra import to_hydra_overrides

    to_hydra_overrides(["a=1"])  # which imports Hydra


def _environment(repo: "Repo", name: str, baseline: str, main_root: Path) -> Mapping[str, str]:
    from dvc.env import DVC_EXP_BASELINE_REV, DVC_EXP_NAME, DVC_ROOT
    from dvc.utils.studio import config_to_env

    studio = {k: str(v) for k, v in config_to_env(repo.config.get("studio", {})).items()}
    return {
        **studio,
        DVC_EXP_BASELINE_REV: baseline,
        DVC_EXP_NAME: name,
        DVC_ROOT: str(main_root),
    }
