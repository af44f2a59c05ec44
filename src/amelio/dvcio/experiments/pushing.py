"""What `dvc exp push` leaves here without saying so."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import translated

if TYPE_CHECKING:
    from dvc.repo import Repo


def without_remote(arguments: Namespace) -> list[str]:
    """Of the experiments that `dvc exp push` was told to push, the names of those with data for
    which their own commit, whose settings DVC goes by, has no remote.

    arguments: DVC's
    """
    with translated(), open_repo() as repo:
        return sorted({ref.name for ref in _chosen(repo, arguments) if _lacks_remote(repo, ref)})


def _chosen(repo: "Repo", arguments: Namespace) -> set[Any]:
    from dvc.repo.experiments.push import exp_refs_from_names, exp_refs_from_rev
    from dvc.repo.experiments.utils import exp_refs

    if arguments.experiment:
        return set(exp_refs_from_names(repo.scm, arguments.experiment))
    if arguments.all_commits:
        return set(exp_refs(repo.scm))
    return set(exp_refs_from_rev(repo.scm, arguments.rev or ["HEAD"], num=arguments.num))


def _lacks_remote(repo: "Repo", ref: Any) -> bool:
    from dvc.config import NoRemoteError

    with repo.switch(repo.scm.get_ref(str(ref))):
        for name in {out.remote for out in repo.index.outs if out.use_cache and out.can_push}:
            try:
                repo.cloud.get_remote(name)
            except NoRemoteError:
                return True
    return False
