"""Running a command over an open application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from explib_server.program import load_settings
from explib_server.projects.folder import here, working_in

if TYPE_CHECKING:
    from explib.storage.engine import Access
    from explib_server.application import Application

T = TypeVar("T")
LibraryOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Which library; default: EXPLIB_LIBRARY, else the folder's.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def run(work: Callable[[Application], Awaitable[T]], access: Access = "create") -> T:
    """Open the application, do the work, close it."""
    from explib_server.compose import open_application

    async def act() -> T:
        async with open_application(load_settings(), access) as application:
            return await work(application)

    with working_in(here()):
        return asyncio.run(act())


def say(text: str) -> None:
    """One text to standard output, as it is."""
    typer.echo(text)
