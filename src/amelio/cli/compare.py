"""`amelio compare`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from amelio.actions.compare import Entrant, Leaderboard, compare_models
from amelio.cli.tables import table_console
from amelio.dvcio.project import pipeline_root
from amelio.errors import InputError
from amelio.vision.evaluation.comparison import in_words
from amelio.vision.evaluation.comparison_report import figures
from amelio.vision.evaluation.markdown import markdown_table


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="REV…", help="Revisions, experiments, model files or `workspace`; first: basis."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
) -> None:
    """Rank models on today's test set; the first one named is what others are compared with."""
    if as_json and as_md:
        raise InputError("give one of --json, --md")
    board = compare_models(pipeline_root(Path()), models)
    for entrant in board.entrants:
        if entrant.warning:
            typer.echo(f"warning: {entrant.place}: {entrant.warning}", err=True)
    if as_json:
        typer.echo(json.dumps(_records(board), indent=2, ensure_ascii=False))
    elif as_md:
        typer.echo(_markdown(board), nl=False)
    else:
        _show(board)


def _records(board: Leaderboard) -> dict[str, Any]:
    return {
        "n_images": board.n_images,
        "first": board.first,
        "models": [
            {
                "name": entrant.name,
                "place": entrant.place,
                "accuracy": entrant.accuracy,
                "attributes": entrant.accuracies,
                "warning": entrant.warning or None,
                "comparison": figures(entrant.comparison.overall) if entrant.comparison else None,
            }
            for entrant in board.entrants
        ],
    }


def _markdown(board: Leaderboard) -> str:
    known = dict.fromkeys(name for entrant in board.entrants for name in entrant.accuracies)
    rows = [
        [*_cells(entrant), *(_share(entrant.accuracies.get(name)) for name in known)]
        for entrant in board.entrants
    ]
    lines = [
        markdown_table([*_header(board), *known], rows),
        *(f"- {line}" for line in _sentences(board)),
    ]
    return "\n".join(lines) + "\n"


def _show(board: Leaderboard) -> None:
    console = table_console()
    title = f"Accuracy on {board.n_images} test images"
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(_header(board)):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for entrant in board.entrants:
        table.add_row(*map(Text, _cells(entrant)))
    console.print(table)
    for line in _sentences(board):
        console.print(line, markup=False, highlight=False)


def _header(board: Leaderboard) -> list[str]:
    return ["model", "accuracy", f"against {board.first}", f"{100 * board.confidence:g} % CI", "is"]


def _cells(entrant: Entrant) -> list[str]:
    cells = [entrant.place, _share(entrant.accuracy)]
    if entrant.comparison is None:
        return [*cells, "", "", ""]
    overall = entrant.comparison.overall
    low, high = 100 * overall.interval.low, 100 * overall.interval.high
    return [
        *cells,
        f"{100 * overall.difference:+.1f}",
        f"{low:+.1f} … {high:+.1f}",
        str(overall.verdict),
    ]


def _sentences(board: Leaderboard) -> list[str]:
    return [in_words(entrant.comparison) for entrant in board.entrants if entrant.comparison]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
