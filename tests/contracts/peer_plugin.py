"""pytest plugin for DVC's own tests: `Repo.reproduce` is amelio's engine. AMELIO_PEER_JOBS says how
many jobs.
"""

import os
from collections.abc import Iterable
from typing import Any

from dvc.exceptions import ReproductionError
from dvc.repo import Repo
from dvc.stage.exceptions import StageCmdFailedError

from amelio.actions.repro import ReproOptions, explain, repro
from amelio.dvcio.workspace import DvcWorkspace
from amelio.errors import AmelioError
from amelio.model import OnError, Outcome, Policy, Selection


def reproduce(
    self: Repo,
    targets: Iterable[str] | str | None = None,
    recursive: bool = False,
    pipeline: bool = False,
    all_pipelines: bool = False,
    downstream: bool = False,
    single_item: bool = False,
    glob: bool = False,
    on_error: str | None = "fail",
    **kwargs: Any,
) -> list[Any]:
    """DVC's signature and results, amelio's engine."""
    names = (targets,) if isinstance(targets, str) else tuple(targets or ())
    interactive = kwargs.get("interactive") or self.config["core"].get("interactive", False)
    options = ReproOptions(
        Selection(names, recursive, pipeline, all_pipelines, downstream, single_item, glob),
        Policy(
            force=kwargs.get("force", False),
            force_downstream=kwargs.get("force_downstream", False),
            on_error=OnError(on_error or "fail"),
            pull=kwargs.get("pull", False),
            allow_missing=kwargs.get("allow_missing", False),
            run_cache=kwargs.get("run_cache", True),
            no_commit=kwargs.get("no_commit", False),
        ),
        jobs=int(os.environ.get("AMELIO_PEER_JOBS", "1")),
        confirm=_confirm if interactive else None,
    )
    workspace = DvcWorkspace(self)
    if kwargs.get("dry", False):
        stages = explain(workspace, options).stages
        return [workspace.dvc_stage(f.stage.id) for f in stages if f.outcome in _MAKING]
    try:
        result = repro(workspace, options)
    except AmelioError as error:
        raise (error.__cause__ or error) from None
    finally:
        self._reset()
    failed = result.run.with_outcome(Outcome.FAILED)
    if failed and on_error != "ignore":
        names_text = ", ".join(repr(stage.name) for stage in failed)
        known = result.errors.get(failed[0].stage)
        cause: BaseException | None = known.__cause__ or known if known else None
        stage = workspace.dvc_stage(failed[0].stage)
        raise ReproductionError(
            f"failed to reproduce{' stages:' if len(failed) > 1 else ''} {names_text}"
        ) from (cause or StageCmdFailedError(stage.cmd, 1))
    if result.trouble:
        raise result.trouble
    ran = result.run.with_outcome(*_MAKING)
    return [workspace.dvc_stage(stage.stage) for stage in ran]


_MAKING = (Outcome.RAN, Outcome.RESTORED)


def _confirm(name: str) -> bool:
    from dvc import prompt

    return bool(prompt.confirm(f"Going to reproduce {name}. Are you sure you want to continue?"))


Repo.reproduce = reproduce
