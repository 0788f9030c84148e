"""Commands that are imported when they are named: `explib serve` must not wait for what the others need."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command


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
