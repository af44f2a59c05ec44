"""`amelio demo`."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from amelio.actions.demo import DemoResult, finish_demo, make_demo
from amelio.cli.repro_run import run_repro
from amelio.cli.repro_words import ReproWords
from amelio.demos.collection import DRIFTED_LOT, Collection

SECONDS_BETWEEN_LINES = 2.5


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where.")] = Path("demo"),
    images: Annotated[int | None, typer.Option(help="How many images, in all lots.")] = None,
    data: Annotated[
        Collection, typer.Option(help="Drawn cartoon faces, or scanned digits.")
    ] = Collection.FACES,
) -> None:
    """Make a complete demo project and run its whole pipeline."""
    console = Console()
    with _drawing() as (progress, tell):
        made = make_demo(folder, data, images, progress, tell)
    state = "Made the demo project" if made else "The demo project is there already:"
    console.print(f"{state} in {folder}; running its pipeline", markup=False)
    places = _places(folder)
    os.chdir(folder)
    code = run_repro(ReproWords(), is_committed_later=True)
    if code:
        raise typer.Exit(code)
    console.print(_figures(finish_demo(Path()), DRIFTED_LOT[data]))
    for line in places:
        console.print(line, markup=False, soft_wrap=True)  # commands, to be copied


@contextmanager
def _drawing() -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """What `make_demo` takes to show how far it is: a bar on a terminal, lines elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        shown_s = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal shown_s
            bar.update(task, completed=done, total=total)
            if not console.is_terminal and time.monotonic() - shown_s > SECONDS_BETWEEN_LINES:
                shown_s = time.monotonic()
                console.print(f"{done} of {total} images")

        yield progress, console.print


def _figures(result: DemoResult, drifted_lot: str | None) -> Table:
    table = Table(title="Accuracy", title_justify="left")
    table.add_column("on")
    table.add_column("of")
    table.add_column("accuracy", justify="right")
    for name, accuracy in result.test_accuracy.items():
        table.add_row("test set", name, f"{accuracy:.3f}")
    table.add_row("test set", "average", f"{result.average_accuracy:.3f}", style="bold")
    table.add_section()
    for lot, accuracy in result.lot_accuracy.items():
        of = "average, against the truth kept apart"
        if lot == drifted_lot:
            of += "; drawn in other colours, so that it drifts"
        table.add_row(f"lot {lot}", of, f"{accuracy:.3f}")
    return table


def _places(folder: Path) -> list[str]:
    return [
        "",
        f"Predictions  {folder}/outputs/predictions.csv",
        f"Model        {folder}/models/best_model.pth",
        f"Metrics      {folder}/metrics/eval_metrics.json",
        f"Quality      {folder}/reports/quality.md",
        f"Pipeline     {folder}/dvc.yaml, parameters {folder}/params.yaml",
        "",
        "Next:",
        f"  {_activation()}cd {shlex.quote(str(folder))}",
        "  amelio report                 # then open reports/report.html",
        "  amelio predict data/raw/s9",
        "  amelio exp run -S train.learning_rate=0.01",
    ]


def _activation() -> str:
    """What puts amelio and its Python on the path, when they are not there."""
    if os.environ.get("VIRTUAL_ENV") or sys.prefix == sys.base_prefix:
        return ""
    script = Path(sys.prefix) / "bin" / "activate"
    if script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return f"source {shlex.quote(str(script))} && "
