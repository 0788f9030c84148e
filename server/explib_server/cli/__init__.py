"""The command `explib`. Each command is a small module, imported when the command is named."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from explib.errors import InvalidInput
from explib.text.words import storable
from explib_server.cli.lazy import LazyGroup
from explib_server.program import reporting_errors


class Commands(LazyGroup):
    """Every command, in the order of the help."""

    places: ClassVar[Mapping[str, str]] = {
        "serve": "serve:serve",
        "service": "service:app",
        "learn": "learn:learn",
        "ui": "ui:ui",
        "status": "reports:status",
        "evidence": "reports:evidence",
        "import": "imports:import_files",
        "export": "export:export",
        "attempts": "attempts:app",
        "reward": "reward:reward",
        "practice": "practice:practice",
        "experiences": "experiences:app",
        "libraries": "libraries:app",
        "history": "revisions:history",
        "diff": "revisions:diff",
        "revert": "revisions:revert",
        "attach": "attach:attach",
        "off": "off:off",
        "on": "off:on",
        "hook": "hook:hook",
        "token": "token:app",
        "db": "db:app",
        "doctor": "doctor:doctor",
        "demo": "demo:demo",
    }


app = typer.Typer(
    name="explib",
    cls=Commands,
    help="An experience library for agents: graded trajectories in, lessons out, over MCP.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _say_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"explib {version('explib')}")
        raise typer.Exit


@app.callback()
def _group(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Makes a group of it before any command is imported."""


def _given(arguments: list[str]) -> list[str]:
    """The arguments, which may name any file, but say nothing that is no text. Raises InvalidInput."""
    for argument in arguments:
        if storable(argument) != argument and not Path(argument).exists():
            raise InvalidInput(f"{argument!r} is not text in UTF-8: type it again, or give the file another name.")
    return arguments


def main() -> None:
    """Run the command line; errors of ours are one line on stderr and exit code 1."""
    with reporting_errors():
        app(_given(sys.argv[1:]), prog_name="explib")
