"""Commands that are imported when they are named: `explib serve` must not wait for what the others need."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.main import get_command

from explib.errors import InvalidInput

WRONG = {
    "int_parsing": "{input!r} is no whole number",
    "int_from_float": "{input!r} is no whole number",
    "float_parsing": "{input!r} is no number",
    "bool_parsing": "{input!r} is neither true nor false",
    "greater_than_equal": "{input} is less than {ge}",
    "less_than_equal": "{input} is more than {le}",
}
"""What is wrong with a value, by pydantic's name for it; of the others its own words are taken."""


class LazyGroup(TyperGroup):
    """A group whose commands are `module:name` of a function or of a `typer.Typer`, under `explib_server.cli`."""

    places: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, imported: for the help."""
        for name in self.places:
            self._load(name)
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The one that is named; for a name that isn't known all are imported, to suggest the nearest."""
        if cmd_name in self.places:
            self._load(cmd_name)
        else:
            self.list_commands(ctx)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named. Raises InvalidInput for a value that it cannot take."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise InvalidInput(_told(error, error.__cause__)) from error

    def _load(self, name: str) -> None:
        if name in self.commands:
            return
        module, _, attribute = self.places[name].partition(":")
        loaded = getattr(import_module(f"explib_server.cli.{module}"), attribute)
        if not isinstance(loaded, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(name)(loaded)
            loaded = alone
        command = get_command(loaded)
        command.name = name  # a group of commands does not know its own
        self.commands[name] = command


def _told(error: typer.BadParameter, cause: ValidationError) -> str:
    """Which value of which command is wrong, and why."""
    [wrong, *_] = cause.errors()
    own = wrong["msg"].removeprefix("Value error, ").removesuffix(".")
    said = WRONG.get(wrong["type"], "{own}").format_map({"own": own, "input": wrong["input"], **wrong.get("ctx", {})})
    command = error.ctx.command_path if error.ctx is not None else "explib"
    name = error.param.get_error_hint() if error.param is not None else "a value"
    return f"{name} of `{command}`: {said[:400]}. See `{command} --help`."
