"""Where the experiments of a repository have their things."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from amelio.dvcio.experiments.starting_point import drop_all_but
from amelio.dvcio.git.plumbing import plumb
from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments.queue import Queue
from amelio.experiments.worktrees import tidy


@dataclass(frozen=True)
class Home:
    """root: of the DVC repository; top: of the Git repository that it is in."""

    root: Path
    top: Path

    @property
    def folder(self) -> Path:
        """Everything below `.dvc/tmp` that is about experiments."""
        return self.root / ".dvc" / "tmp" / "amelio" / "experiments"

    @property
    def queue(self) -> Path:
        """The queue's file."""
        return self.folder / "queue.db"

    @property
    def worktrees(self) -> Path:
        """The worktrees' folder."""
        return self.folder / "worktrees"

    @property
    def logs(self) -> Path:
        """A folder for each experiment that ran."""
        return self.folder / "logs"

    @property
    def shared(self) -> Path:
        """What runs of several worktrees share."""
        return self.folder / "shared"

    @property
    def project(self) -> Path:
        """The DVC repository, relative to the top."""
        return self.root.relative_to(self.top)


def find_home(folder: Path) -> Home:
    """The repository around `folder`. Raises InputError outside of Git or DVC."""
    inside = folder.resolve()
    root = next((place for place in (inside, *inside.parents) if (place / ".dvc").is_dir()), None)
    if root is None:
        raise InputError("you are not inside of a DVC repository", hint="make one with `dvc init`")
    try:
        top = Path(plumb(["rev-parse", "--show-toplevel"], root)).resolve()
    except EnvironmentFailedError as error:
        raise InputError(
            "experiments need a Git repository", hint="`git init`, and commit what there is"
        ) from error
    return Home(root, top)


def put_in_order(home: Home) -> None:
    """Take up what dead workers left, and take away what nobody needs; cheap when there is nothing.

    Called by every command about experiments, so that none needs repair after a crash.
    """
    if not home.queue.exists():
        return
    queue = Queue(home.queue)
    queue.take_back_lost()
    for number in queue.forget_old():
        shutil.rmtree(home.logs / str(number), ignore_errors=True)
    if home.worktrees.is_dir():
        tidy(home.worktrees, home.top)
    drop_all_but(home.top, home.root, queue.snapshots())
    queue.close()
