"""The Typer application; only the module of the command that runs is imported."""

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

import amelio
from amelio.cli.commands import COMMANDS, EXTENDED, Command
from amelio.errors import EnvironmentFailedError

EPILOG = "Every other word is DVC's and goes to DVC unchanged: `amelio push` is `dvc push`."
GROUP_EPILOG = "Every other word goes to DVC unchanged; `dvc {0} --help` lists them."


def run_app(words: list[str]) -> int:
    """Run amelio's own commands; usage errors exit with 2.

    Raises what the command raises.
    """
    completed = os.environ.get("COMP_WORDS", "").split()[1:]
    app = _application(words or completed)
    try:
        app(args=words, prog_name="amelio")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _application(words: list[str]) -> typer.Typer:
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    _add(app, {**COMMANDS, **EXTENDED}, words)
    return app


def _add(app: typer.Typer, commands: Mapping[str, Command], words: list[str]) -> None:
    for name, command in commands.items():
        is_chosen = words[:1] == [name]
        target: Any = _unloaded
        if command.words is not None:
            target = typer.Typer(epilog=GROUP_EPILOG.format(name))
            _add(target, command.words, words[1:] if is_chosen else [])
        elif is_chosen:
            target = _load(command.target)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=command.summary, no_args_is_help=True)
        else:
            app.command(name, short_help=command.summary)(target)


def _load(target: str) -> Callable[..., Any] | typer.Typer:
    module, _, name = target.partition(":")
    try:
        loaded: Callable[..., Any] | typer.Typer = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("amelio"):
            raise
        raise EnvironmentFailedError(
            f"this command needs the package {error.name}", hint="pip install 'amelio[vision]'"
        ) from error
    return loaded


def _unloaded() -> None:
    """Stands in `--help` for a command whose module was not imported."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"amelio {amelio.__version__} on dvc {version('dvc')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the versions.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """amelio makes a DVC pipeline better: `amelio WORD …` wherever a text says `dvc`."""
