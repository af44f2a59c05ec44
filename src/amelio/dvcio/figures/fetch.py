"""Brings metrics and plots that only the remote has into DVC's cache, within a time limit.

Reading them one by one, as DVC does, waits minutes for each file of a remote that does not answer.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from amelio.dvcio.bounded_process import run_module
from amelio.dvcio.cache.storage import objects_of
from amelio.dvcio.remotes.probe import look
from amelio.dvcio.repository import open_repo
from amelio.dvcio.translate import explain, translated
from amelio.errors import InputError
from amelio.redaction import one_line

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

KINDS = ("metrics", "plots")
TIMEOUT_S = 60.0


def fetch_figures(root: Path, revisions: Sequence[str] = (), timeout_s: float = TIMEOUT_S) -> str:
    """Fetch the metrics and plots of the workspace and of commits that the cache lacks.

    returns: why some could not be had, on one line; empty when nothing is missing, or when there
        is no remote to ask

    Raises InputError when the pipeline itself is not readable.
    """
    with translated(InputError), open_repo(str(root)) as repo:
        has_remote = bool(repo.config["core"].get("remote"))
        lacking = list(dict.fromkeys(_lacking(repo, revisions))) if has_remote else []
    if not lacking:
        return ""
    some = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
    problem = _fetch(root, revisions, timeout_s)
    return f"the remote does not give {some}: {problem}" if problem else ""


def _lacking(repo: "Repo", revisions: Sequence[str]) -> Iterator[str]:
    from dvc.exceptions import DvcException

    for state in repo.brancher(revs=list(revisions), workspace=True, sha_only=True):
        try:
            wanted = repo.index.metric_keys["repo"] | repo.index.plot_keys["repo"]
            outs = repo.index.outs
        except DvcException:  # a broken earlier state is told where it is read
            continue
        for out in outs:
            key = out.index_key[1]
            is_wanted = any(key == each[: len(key)] for each in wanted)
            is_kept = out.use_cache and out.hash_info
            if is_wanted and is_kept and not _is_here(out):
                if state in ("", "workspace") and out.exists:
                    continue
                yield str(out)


def _is_here(out: "Output") -> bool:
    cache = out.repo.cache.local
    return all(os.path.exists(cache.oid_to_path(oid)) for oid in objects_of(out))  # noqa: PTH110


def _fetch(root: Path, revisions: Sequence[str], timeout_s: float) -> str:
    request = [str(root), *revisions]
    printed = run_module("amelio.dvcio.figures.fetch", request, root, timeout_s)
    if printed is None:
        return f"no answer within {timeout_s:g} s"
    try:
        return one_line(json.loads(printed), 300)
    except ValueError:
        return "the process that asked it died"


def main() -> None:
    """Fetch what standard input asks for; print what goes wrong."""
    root, *revisions = json.load(sys.stdin)
    problem = ""
    heard = _Heard()
    for name in ("dvc", "dvc_data"):
        logging.getLogger(name).addHandler(heard)
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)  # whatever a library prints is no answer
        try:
            with open_repo(root) as repo:
                n_fetched = repo.fetch(types=list(KINDS), revs=revisions, workspace=True)
                if not n_fetched:  # DVC takes a web server that is down for one without the files
                    look(repo.cloud.get_remote())
        except Exception as error:  # each kind of remote raises its own
            problem = next(iter(heard.messages), "") or explain(error)
        answer.write(json.dumps(problem))


class _Heard(logging.Handler):
    """What DVC logs as an error: there it says why, its exception only counts files."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        text = record.getMessage()
        if cause and str(cause) not in text:
            text += f" - {explain(cause)}"
        self.messages.append(text)


if __name__ == "__main__":
    main()
