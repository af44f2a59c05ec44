"""The one place that opens a DVC repository."""

from typing import TYPE_CHECKING, Any

from amelio.dvcio.bounded_yaml import bound_yaml

if TYPE_CHECKING:
    from dvc.repo import Repo

NO_REMOTE: dict[str, Any] = {"core": {"remote": ""}}  # as `config`: nothing is fetched


def open_repo(folder: str | None = None, **options: Any) -> "Repo":
    """DVC's own object for the repository around `folder`, else the working directory.

    options: those of dvc.repo.Repo

    Raises what DVC raises, and InputError for YAML whose aliases would fill the memory.
    """
    from dvc.repo import Repo

    bound_yaml()
    return Repo(folder, **options)
