"""`amelio predict`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from amelio.actions.predict import MODEL, Look
from amelio.actions.predict import predict as look_at
from amelio.cli.tables import table_console
from amelio.errors import StageFailedError
from amelio.vision.inference.inference import Prediction


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR…", help="Images, or folders.")],
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="The model to ask.", show_default=str(MODEL)),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> None:
    """Predict files or folders with a model, for a quick look."""
    look = look_at(paths, model)
    n_read = 0

    def predictions() -> Iterator[Prediction]:
        nonlocal n_read
        for prediction in look.predictions:
            n_read += not prediction.reason
            yield prediction

    if as_json:
        for prediction in predictions():
            typer.echo(json.dumps(_record(look, prediction), ensure_ascii=False))
    else:
        table_console().print(_table(look.attributes, predictions()))
    if not n_read:
        raise StageFailedError("none of these files could be read as an image")


def _record(look: Look, prediction: Prediction) -> dict[str, object]:
    """File, then each attribute with its class and probability, or the reason why there is none."""
    if prediction.reason:
        return {"file": str(prediction.file), "unreadable": prediction.reason}
    said = zip(look.attributes, prediction.classes, prediction.probabilities, strict=True)
    values = {name: {"class": value, "probability": share} for name, value, share in said}
    return {"file": str(prediction.file), "attributes": values}


def _table(attributes: Iterable[str], predictions: Iterable[Prediction]) -> Table:
    table = Table()
    table.add_column("file", overflow="fold")
    for name in attributes:
        table.add_column(Text(name), overflow="fold")
    for prediction in predictions:
        said = zip(prediction.classes, prediction.probabilities, strict=True)
        cells = [Text.assemble(f"{value} ", (f"{share:.0%}", "dim")) for value, share in said]
        if prediction.reason:
            cells = [Text(f"unreadable: {prediction.reason}", style="red")]
        table.add_row(Text(str(prediction.file)), *cells)
    return table
