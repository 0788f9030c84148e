"""`explib ui`: the page of the library, in the person's browser."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Annotated

import typer

from explib.errors import InvalidSetting, StorageError
from explib_server.cli.run import say
from explib_server.program import load_settings
from explib_server.service.connection import START_SECONDS, hello, reach
from explib_server.service.paths import NoService, Place, ServiceOff


def ui(
    sample: Annotated[
        bool, typer.Option("--sample", help="Show sample data, in a database that ends with it.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0: any free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the library's page: does it help, what was learned from what, what waits for you. Ctrl-C ends it."""
    settings = load_settings()

    def opened(address: str) -> None:
        say(f"{address}\n(good once, for a minute; Ctrl-C ends the page)")
        sys.stdout.flush()
        if not no_browser:
            webbrowser.open(address)

    if sample:
        from explib_server.page.sample import serve_sample

        say("making sample data …")
        asyncio.run(serve_sample(settings, port, opened))
        return
    try:
        _by_service(Place(), port, opened)
    except ServiceOff:
        from explib_server.page.serving import serve_page

        asyncio.run(serve_page(settings, port, opened))


def _by_service(place: Place, port: int, opened: Callable[[str], None]) -> None:
    """Have the service open the page, and keep it open until one of the two ends. Raises ExplibError."""
    try:
        reached = reach(place, hello("page", message={"port": port}), START_SECONDS, start=True)
    except NoService as error:
        raise StorageError(f"{error}; EXPLIB_SERVICE=off serves the page from this command.") from error
    with closing(reached), suppress(KeyboardInterrupt):
        if "address" not in reached.answer:
            raise InvalidSetting(str(reached.answer.get("error")))
        opened(str(reached.answer["address"]))
        reached.lines.read()
        raise StorageError("The service has ended, and the page with it: run `explib ui` again.")
