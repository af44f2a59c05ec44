"""`amelio report`: what the repository knows, as Markdown and as one HTML file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from amelio.actions.report_facts import gather
from amelio.atomic import write_text
from amelio.errors import EnvironmentFailedError, InputError
from amelio.redaction import one_line
from amelio.reports.facts import Report

FOLDER = Path("reports")


@dataclass(frozen=True)
class ReportResult:
    """What was written, and what there is to say about it.

    problems: what is wrong with the user's files; the rest was reported nevertheless
    failures: what the network did not give
    notices: what is worth knowing
    """

    paths: tuple[Path, ...]
    problems: tuple[str, ...]
    notices: tuple[str, ...]
    failures: tuple[str, ...] = ()

    def require(self) -> None:
        """Raise when something could not be reported: InputError, or EnvironmentFailedError."""
        if self.problems or self.failures:
            kind = InputError if self.problems else EnvironmentFailedError
            lines = map(one_line, (*self.problems, *self.failures))
            raise kind("\n  ".join(["not everything could be reported:", *lines]))


def write_report(
    root: Path, folder: Path | None = None, revision: str | None = None
) -> ReportResult:
    """Write the three Markdown reports and `report.html` of the project at `root`.

    folder: where; None for `reports` in the project
    revision: what to compare with; None lets the history decide

    Raises InputError when there is no project, or its dvc.yaml is not readable;
    EnvironmentFailedError when a file cannot be written. Everything else becomes a problem.
    """
    from amelio.reports.markdown import metrics_report, params_report, pipeline_report
    from amelio.reports.page import html_page

    target = (folder or root / FOLDER).resolve()
    report = gather(root, revision, now=datetime.now().astimezone())
    pages: dict[str, Callable[[Report], str]] = {
        "metrics_report.md": metrics_report,
        "params_report.md": params_report,
        "pipeline_graph.md": pipeline_report,
        "report.html": html_page,
    }
    paths = []
    for name, page in pages.items():
        paths.append(target / name)
        _write(target / name, page(report))
    return ReportResult(tuple(paths), report.problems, report.notices, report.failures)


def write_comment(
    root: Path, path: Path | None = None, revision: str | None = None
) -> tuple[str, ReportResult]:
    """The report as a comment on a pull request, as text, and in the file `path` if given.

    Raises as `write_report`.
    """
    from amelio.reports.pull_request import pull_request_comment

    report = gather(root, revision, now=datetime.now().astimezone(), is_short=True)
    text = pull_request_comment(report)
    if path is not None:
        _write(path, text)
    paths = (path,) if path else ()
    return text, ReportResult(paths, report.problems, report.notices, report.failures)


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise EnvironmentFailedError(
            f"cannot write {path}: {error.strerror or error}", hint="`-o DIR` writes elsewhere"
        ) from error
