"""What a failed `exp run -S` leaves in the parameters files here, and the way back."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from amelio.cli.repro_view import print_line


@contextmanager
def told_if_left(values: Sequence[str]) -> Iterator[None]:
    """After a failure or an interruption, say which files keep `values`, and what takes them back.

    values: of `--set-param`
    """
    from amelio.dvcio.experiments.overrides import files_of
    from amelio.dvcio.git.history import differs

    here = Path()
    before = {path: (_content(path), differs(here, path)) for path in files_of(values)}
    try:
        yield
    except BaseException as error:
        has_run = isinstance(error, typer.Exit)
        left = [
            path
            for path, (content, _) in before.items()
            if (has_run or _content(path) != content) and differs(here, path)
        ]
        if left:
            mine = ", and your own changes there" if any(before[path][1] for path in left) else ""
            command = f"git checkout {shlex.join(left)}"
            print_line(
                f"-S left its values in {', '.join(left)}: `{command}` takes them back{mine}"
            )
        raise


def _content(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).is_file() else None
