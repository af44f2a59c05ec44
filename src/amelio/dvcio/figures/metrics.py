"""Texts of metrics files: in the workspace, and as of any revision or experiment."""

import os
import subprocess
from pathlib import Path, PurePosixPath

from amelio.dvcio.figures.fetch import fetch_figures
from amelio.dvcio.git.revisions import recorded_text, revision_files
from amelio.dvcio.project import dvc_root
from amelio.dvcio.repository import open_repo
from amelio.errors import EnvironmentFailedError, InputError
from amelio.expressions import NoValueError

EXPERIMENT_PARTS = 5  # refs/exps/<2 digits>/<38 digits>/<name>


class ProjectMetrics:
    """The metrics files of the project in `folder`; paths are relative to it.

    reads_cache: what the workspace lacks and dvc.lock records is read from DVC's cache, as
        `dvc metrics show` does; a gate in the pipeline judges only what is there
    may_fetch: what the cache lacks too is fetched from the remote, once a first file is lacking
    problem: why something could not be fetched, on one line
    """

    def __init__(self, folder: Path, *, reads_cache: bool = False, may_fetch: bool = False) -> None:
        self._folder, self._reads_cache, self._may_fetch = folder, reads_cache, may_fetch
        self.problem = ""

    def text(self, path: str, revision: str | None) -> str | None:
        """The file in the workspace, or as of `revision`; None where there is no such file.

        Raises InputError for a revision that does not exist, NoValueError for a file that cannot
        be read: no text, or tracked by DVC and not in the cache.
        """
        try:
            if revision is None:
                return (self._folder / path).read_text(encoding="utf-8")
            commit = self.commit_of(revision)
            return None if commit is None else self._at(commit, path)
        except (FileNotFoundError, NotADirectoryError):
            return self._recorded(path) if self._reads_cache else None
        except (OSError, UnicodeDecodeError) as error:
            raise NoValueError(f"{path} is not readable: {error}") from error

    def path_of(self, stem: str) -> str:
        """The metrics file in the project's dvc.yaml files with this name without suffix.

        Raises NoValueError unless there is exactly one.
        """
        found = [path for path in self.declared() if PurePosixPath(path).stem == stem]
        if len(found) != 1:
            known = ", ".join(found or self.declared()) or "none"
            problem = "several metrics files are" if found else "no metrics file of dvc.yaml is"
            raise NoValueError(f"{problem} called {stem} (metrics['path'] names one; {known})")
        return found[0]

    def declared(self) -> list[str]:
        """Every metrics file that the project's dvc.yaml files declare, relative to the folder."""
        from dvc.exceptions import DvcException

        try:
            with open_repo(str(self._folder)) as repo:
                outputs = {str(output.fs_path) for output in repo.index.metrics}
                root = Path(repo.root_dir)
                for file, paths in repo.index._metrics.items():
                    base = (root / file).parent
                    outputs |= {str(base / path) for path in paths}
        except DvcException as error:
            raise EnvironmentFailedError(f"DVC cannot read the pipeline: {error}") from error
        return sorted(Path(os.path.relpath(path, self._folder)).as_posix() for path in outputs)

    def commit_of(self, revision: str) -> str | None:
        """The commit that `revision` names; None for HEAD before the first commit."""
        done = self._git(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
        )
        if done.returncode == 0:
            return done.stdout.decode().strip()
        if revision == "HEAD" and self._git(["rev-parse", "--git-dir"]).returncode == 0:
            return None
        return self._experiment(revision)

    def _experiment(self, name: str) -> str:
        done = self._git(["for-each-ref", "--format=%(objectname) %(refname)", "refs/exps"])
        refs = [line.split(" ", 1) for line in done.stdout.decode().splitlines()]
        found = [
            commit
            for commit, ref in refs
            if ref.count("/") == EXPERIMENT_PARTS - 1 and ref.rpartition("/")[2] == name
        ]
        if len(found) == 1:
            return found[0]
        problem = "several experiments have" if found else "no commit, branch, tag, experiment has"
        raise InputError(f"{problem} the name {name!r} in this repository")

    def _at(self, commit: str, path: str) -> str | None:
        done = self._git(["cat-file", "blob", f"{commit}:./{path}"])
        return done.stdout.decode() if done.returncode == 0 else self._tracked_by_dvc(commit, path)

    def _recorded(self, path: str) -> str | None:
        root = dvc_root(self._folder)
        if root is None:
            return None
        if self._may_fetch:
            self._may_fetch = False
            self.problem = fetch_figures(root)
        try:
            return recorded_text(root, self._inside(root, path))
        except EnvironmentFailedError as error:
            raise NoValueError(f"{path} is neither here nor in DVC's cache") from error

    def _inside(self, root: Path, path: str) -> str:
        """The path relative to the project's root."""
        normal = Path(os.path.normpath(self._folder.resolve() / path))
        return normal.relative_to(root).as_posix()

    def _tracked_by_dvc(self, commit: str, path: str) -> str | None:
        root = dvc_root(self._folder)
        if root is None:
            return None
        try:
            with revision_files(root, commit) as files:
                return files.text(self._inside(root, path))
        except (InputError, EnvironmentFailedError) as error:
            raise NoValueError(
                f"{path} of {commit[:7]} cannot be read: it is neither in DVC's cache nor in a "
                "remote; `dvc fetch --all-commits` may help"
            ) from error

    def _git(self, words: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *words], cwd=self._folder, capture_output=True)
